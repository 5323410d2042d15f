// Failscope for VS Code: starts the language server and puts its findings where people look.
import * as vscode from 'vscode';
import { onInterpreter } from './binary.js';
import { Server } from './client.js';
import { registerCommands } from './commands.js';
import { readManifest } from './config.js';
import { Findings } from './findings.js';
import { closePages } from './report.js';
import { Results } from './results.js';
import { statusItem } from './status.js';

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel('Failscope', { log: true });
  readManifest(context.extension.packageJSON);
  const server = new Server(context, output);
  const findings = new Findings(server);
  const view = vscode.window.createTreeView('failscope.findings', { treeDataProvider: findings, showCollapseAll: true });
  const results = new Results(server, findings);
  context.subscriptions.push(
    output,
    server,
    findings,
    view,
    results,
    statusItem(server, findings),
    registerCommands(server, findings, view, output),
    { dispose: closePages },
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      results.configure();
      return server.restart();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('failscope.testResults')) results.configure();
      if (event.affectsConfiguration('failscope.path')) void server.restart();
    }),
  );
  await server.restart();
  context.subscriptions.push(await onInterpreter(() => void server.sendSettings()));
}
