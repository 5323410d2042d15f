// The commands of the extension itself; the server's own are registered by the language client.
import * as vscode from 'vscode';
import type { Server } from './client.js';
import { chooseFilter } from './filter.js';
import { findingAsText, type Findings, type Node } from './findings.js';
import { previewFix } from './preview.js';
import { openReportInBrowser, showReport } from './report.js';

/** Registers the commands. */
export function registerCommands(
  server: Server,
  findings: Findings,
  view: vscode.TreeView<Node>,
  output: vscode.LogOutputChannel,
): vscode.Disposable {
  const on = vscode.commands.registerCommand;
  return vscode.Disposable.from(
    on('failscope.restart', () => server.restart()),
    on('failscope.showOutput', () => output.show()),
    on('failscope.showReport', showReport),
    on('failscope.openReportInBrowser', openReportInBrowser),
    on('failscope.filterFindings', () => chooseFilter(findings, view)),
    on('failscope.previewFix', (node?: Node) => previewFix(node ?? view.selection[0])),
    on('failscope.copyFinding', async (node?: Node) => {
      const chosen = node ?? view.selection[0] ?? findings.getChildren()[0];
      if (chosen?.kind !== 'finding') return;
      await vscode.env.clipboard.writeText(findingAsText(chosen.finding));
      vscode.window.setStatusBarMessage('Finding copied', 3000);
    }),
  );
}
