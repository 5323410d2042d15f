// The commands of the extension itself; the server's own are registered by the language client.
import * as vscode from 'vscode';
import type { Server } from './client.js';
import { findingAsText, type Finding } from './findings.js';
import { openReportInBrowser, showReport } from './report.js';

/** Registers the commands. */
export function registerCommands(server: Server, output: vscode.LogOutputChannel): vscode.Disposable {
  const on = vscode.commands.registerCommand;
  return vscode.Disposable.from(
    on('failscope.restart', () => server.restart()),
    on('failscope.showOutput', () => output.show()),
    on('failscope.showReport', showReport),
    on('failscope.openReportInBrowser', openReportInBrowser),
    on('failscope.copyFinding', async (node?: { finding?: Finding }) => {
      if (!node?.finding) return;
      await vscode.env.clipboard.writeText(findingAsText(node.finding));
      vscode.window.setStatusBarMessage('Finding copied', 3000);
    }),
  );
}
