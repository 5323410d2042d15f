// Sessions that the checker must accept, and sessions with one fault each that it must reject.
const out = (message) => ({ direction: 'out', message: { jsonrpc: '2.0', ...message } });
const into = (message) => ({ direction: 'in', message: { jsonrpc: '2.0', ...message } });
const range = { start: { line: 1, character: 0 }, end: { line: 1, character: 4 } };
const publish = (diagnostic, extra = {}) =>
  out({
    method: 'textDocument/publishDiagnostics',
    params: { uri: 'file:///w/a.py', diagnostics: [{ range, message: 'm', ...diagnostic }], ...extra },
  });
const answer = (method, result) => [into({ id: 1, method, params: {} }), out({ id: 1, result })];

export const good = {
  diagnostics: [publish({ severity: 1, code: 'other', source: 'failscope', data: { fingerprint: 'x' } })],
  'hover none': answer('textDocument/hover', null),
  hover: answer('textDocument/hover', { contents: { kind: 'markdown', value: 'x' }, range }),
  actions: answer('textDocument/codeAction', [
    { title: 't', kind: 'quickfix', edit: { changes: { 'file:///w/a.py': [{ range, newText: '' }] } } },
  ]),
  initialize: answer('initialize', { capabilities: { hoverProvider: true, positionEncoding: 'utf-16' } }),
  progress: [
    into({ method: 'initialized', params: {} }),
    out({ id: 7, method: 'window/workDoneProgress/create', params: { token: 'a' } }),
    out({ method: '$/progress', params: { token: 'a', value: { kind: 'begin', title: 't' } } }),
  ],
  error: [into({ id: 1, method: 'x' }), out({ id: 1, error: { code: -32601, message: 'no' } })],
};

export const bad = {
  'severity out of range': [publish({ severity: 5 })],
  'severity as text': [publish({ severity: 'error' })],
  'null for an optional field': [publish({ codeDescription: null })],
  'unknown field': [publish({ sauce: 'failscope' })],
  'negative line': [publish({ range: { start: { line: -1, character: 0 }, end: { line: 0, character: 0 } } })],
  'fraction for a line': [publish({ range: { start: { line: 0.5, character: 0 }, end: { line: 1, character: 0 } } })],
  'line beyond 2^31': [publish({ range: { start: { line: 0, character: 0 }, end: { line: 4294967295, character: 0 } } })],
  'range backwards': [publish({ range: { start: { line: 2, character: 0 }, end: { line: 1, character: 0 } } })],
  'path for a URI': [publish({}, { uri: '/w/a.py' })],
  'URI with a space': [publish({}, { uri: 'file:///w/a b.py' })],
  'version as text': [publish({}, { version: '3' })],
  'diagnostics missing': [out({ method: 'textDocument/publishDiagnostics', params: { uri: 'file:///a' } })],
  'hover without kind': answer('textDocument/hover', { contents: { value: 'x' } }),
  'action without title': answer('textDocument/codeAction', [{ kind: 'quickfix' }]),
  'lens without range': answer('textDocument/codeLens', [{ command: { title: 't', command: 'c' } }]),
  'answer not asked for': [out({ id: 9, result: null })],
  'answer neither result nor error': [out({ id: 9 })],
  'unknown notification': [out({ method: 'failscope/secret', params: {} })],
  'request before initialized': [out({ id: 1, method: 'workspace/codeLens/refresh' })],
  'request id twice': [
    into({ method: 'initialized', params: {} }),
    out({ id: 1, method: 'workspace/codeLens/refresh' }),
    out({ id: 1, method: 'workspace/codeLens/refresh' }),
  ],
  'error code as text': [into({ id: 1, method: 'x' }), out({ id: 1, error: { code: 'bad', message: 'no' } })],
  'wrong jsonrpc': [{ direction: 'out', message: { jsonrpc: '1.0', method: 'exit' } }],
};
