// Checks a session (a list of recorded messages) against the schema and the rules between messages.
import Ajv from 'ajv';
import { makeSchema } from './schema.mjs';

const schema = makeSchema();
const ajv = new Ajv({ strict: false, allErrors: false });
ajv.addSchema(schema, 'lsp');
const compiled = new Map();

function check(pointer, value) {
  if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: `lsp#/definitions/${pointer}` }));
  const validate = compiled.get(pointer);
  return validate(value) ? null : ajv.errorsText(validate.errors, { dataVar: 'message' });
}

const escape = (method) => method.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('$', '%24');
const requests = schema.definitions.Requests.properties;
const notifications = schema.definitions.Notifications.properties;

/** Ranges must not end before they start, wherever they stand. */
function badRange(value) {
  if (Array.isArray(value)) return value.map(badRange).find(Boolean) ?? null;
  if (value === null || typeof value !== 'object') return null;
  const { start, end } = value;
  if (start?.line !== undefined && end?.line !== undefined) {
    if (end.line < start.line || (end.line === start.line && end.character < start.character)) {
      return `range ends before it starts: ${JSON.stringify(value)}`;
    }
  }
  return Object.values(value).map(badRange).find(Boolean) ?? null;
}

/**
 * `records` are `{direction: 'in' | 'out', message}` in the order they were seen by the server: `out` is what
 * the server sent. Gives a list of complaints about the server.
 */
export function validateSession(records) {
  const complaints = [];
  const asked = new Map(); // id of a client's request -> method
  const ours = new Set(); // ids of the server's requests
  let initialized = false;
  for (const [index, { direction, message }] of records.entries()) {
    const complain = (text) => complaints.push(`message ${index + 1}: ${text}`);
    const isRequest = message.method !== undefined && message.id !== undefined;
    if (direction === 'in') {
      if (isRequest) asked.set(message.id, message.method);
      if (message.method === 'initialized') initialized = true;
      continue;
    }
    if (message.jsonrpc !== '2.0') complain('jsonrpc is not "2.0"');
    const range = badRange(message.params ?? message.result ?? null);
    if (range) complain(range);
    if (isRequest) {
      if (ours.has(message.id)) complain(`request id ${JSON.stringify(message.id)} used twice`);
      ours.add(message.id);
      if (!initialized) complain(`${message.method} before initialized`);
      if (!requests[message.method]) complain(`unknown request ${message.method}`);
      else report(complain, `Requests/properties/${escape(message.method)}/properties/params`, message.params ?? null);
    } else if (message.method !== undefined) {
      if (!notifications[message.method]) complain(`unknown notification ${message.method}`);
      else report(complain, `Notifications/properties/${escape(message.method)}`, message.params ?? null);
    } else if ('error' in message) {
      report(complain, 'ErrorResponse', { error: message.error });
    } else if ('result' in message) {
      const method = asked.get(message.id);
      if (method === undefined) complain(`answer to a request that was not made: ${JSON.stringify(message.id)}`);
      else if (requests[method]) {
        report(complain, `Requests/properties/${escape(method)}/properties/result`, message.result);
      }
      asked.delete(message.id);
    } else complain('neither request, notification nor answer');
  }
  return complaints;
}

function report(complain, pointer, value) {
  const found = checkResolved(pointer, value);
  if (found) complain(`${decodeURIComponent(pointer)}: ${found}`);
}

/** Calls are `Call<P, R>` definitions behind a `$ref`; follow it before going on. */
function checkResolved(pointer, value) {
  const parts = pointer.split('/').map((p) => decodeURIComponent(p).replaceAll('~1', '/').replaceAll('~0', '~'));
  let node = schema.definitions[parts[0]];
  let at = parts[0];
  for (let i = 1; i < parts.length; i += 1) {
    if (node.$ref) {
      at = decodeURIComponent(node.$ref.replace('#/definitions/', ''));
      node = schema.definitions[at];
      at = encodeURIComponent(at);
    }
    node = node[parts[i]];
    at += `/${escape(parts[i])}`;
  }
  return check(at, value);
}
