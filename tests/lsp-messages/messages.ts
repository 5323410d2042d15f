// Every method that Failscope or its clients use, with the types of its parameters and its result.
// The JSON Schema that check.mjs validates against is made from this file.
import type * as lsp from 'vscode-languageserver-protocol';

/** `params: null` stands for methods without parameters. */
interface Call<P, R> {
  params: P;
  result: R;
}

type MarkupOrPlain = lsp.Hover;

export interface Requests {
  initialize: Call<lsp.InitializeParams, lsp.InitializeResult>;
  shutdown: Call<null, null>;
  'textDocument/hover': Call<lsp.HoverParams, MarkupOrPlain | null>;
  'textDocument/codeAction': Call<lsp.CodeActionParams, (lsp.Command | lsp.CodeAction)[] | null>;
  'codeAction/resolve': Call<lsp.CodeAction, lsp.CodeAction>;
  'textDocument/codeLens': Call<lsp.CodeLensParams, lsp.CodeLens[] | null>;
  'codeLens/resolve': Call<lsp.CodeLens, lsp.CodeLens>;
  'textDocument/inlayHint': Call<lsp.InlayHintParams, lsp.InlayHint[] | null>;
  'inlayHint/resolve': Call<lsp.InlayHint, lsp.InlayHint>;
  'textDocument/diagnostic': Call<lsp.DocumentDiagnosticParams, lsp.DocumentDiagnosticReport>;
  'workspace/diagnostic': Call<lsp.WorkspaceDiagnosticParams, lsp.WorkspaceDiagnosticReport>;
  'workspace/executeCommand': Call<lsp.ExecuteCommandParams, lsp.LSPAny | null>;
  'workspace/symbol': Call<lsp.WorkspaceSymbolParams, lsp.WorkspaceSymbol[] | null>;
  'workspace/applyEdit': Call<lsp.ApplyWorkspaceEditParams, lsp.ApplyWorkspaceEditResult>;
  'workspace/configuration': Call<lsp.ConfigurationParams, lsp.LSPAny[]>;
  'workspace/workspaceFolders': Call<null, lsp.WorkspaceFolder[] | null>;
  'workspace/codeLens/refresh': Call<null, null>;
  'workspace/inlayHint/refresh': Call<null, null>;
  'workspace/diagnostic/refresh': Call<null, null>;
  'client/registerCapability': Call<lsp.RegistrationParams, null>;
  'client/unregisterCapability': Call<lsp.UnregistrationParams, null>;
  'window/workDoneProgress/create': Call<lsp.WorkDoneProgressCreateParams, null>;
  'window/showMessageRequest': Call<lsp.ShowMessageRequestParams, lsp.MessageActionItem | null>;
  'window/showDocument': Call<lsp.ShowDocumentParams, lsp.ShowDocumentResult>;
}

export interface Notifications {
  initialized: lsp.InitializedParams;
  exit: null;
  'textDocument/didOpen': lsp.DidOpenTextDocumentParams;
  'textDocument/didChange': lsp.DidChangeTextDocumentParams;
  'textDocument/didSave': lsp.DidSaveTextDocumentParams;
  'textDocument/didClose': lsp.DidCloseTextDocumentParams;
  'textDocument/publishDiagnostics': lsp.PublishDiagnosticsParams;
  'workspace/didChangeConfiguration': lsp.DidChangeConfigurationParams;
  'workspace/didChangeWatchedFiles': lsp.DidChangeWatchedFilesParams;
  'workspace/didChangeWorkspaceFolders': lsp.DidChangeWorkspaceFoldersParams;
  'window/showMessage': lsp.ShowMessageParams;
  'window/logMessage': lsp.LogMessageParams;
  'window/workDoneProgress/cancel': lsp.WorkDoneProgressCancelParams;
  'telemetry/event': lsp.LSPAny;
  'failscope/findingsChanged': Record<string, never>;
  '$/progress': {
    token: lsp.ProgressToken;
    value: lsp.WorkDoneProgressBegin | lsp.WorkDoneProgressReport | lsp.WorkDoneProgressEnd;
  };
  '$/cancelRequest': { id: lsp.integer | string };
  '$/setTrace': { value: 'off' | 'messages' | 'verbose' };
  '$/logTrace': lsp.LogTraceParams;
}

export interface ErrorResponse {
  error: { code: lsp.integer; message: string; data?: lsp.LSPAny };
}

export interface All {
  requests: Requests;
  notifications: Notifications;
  error: ErrorResponse;
}
