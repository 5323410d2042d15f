// The commands of the extension itself; the server's own are registered by the language client.
import * as vscode from 'vscode';
import type { Server } from './client.js';
import { chooseFilter } from './filter.js';
import { findingAsText, type FindingNode, type Findings, type Node } from './findings.js';
import { previewFix } from './preview.js';
import { openReportInBrowser, showReport } from './report.js';

/** The finding that is meant: the one named or pointed at, else the selected one, else the first. */
function chosen(findings: Findings, view: vscode.TreeView<Node>, what?: Node | string): FindingNode | undefined {
  if (typeof what === 'string') return findings.find(what);
  const node = what ?? view.selection[0];
  if (node?.kind === 'failure') return findings.find(node.fingerprint);
  return node ?? findings.first();
}

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
    on('failscope.previewFix', (node?: Node) => previewFix(chosen(findings, view, node))),
    on('failscope.showFinding', async (fingerprint?: string) => {
      const node = chosen(findings, view, fingerprint);
      if (node && !findings.isShown(node)) {
        findings.setFilter({});
        view.message = '';
      }
      // The view must have been shown once before anything in it can be.
      await vscode.commands.executeCommand('failscope.findings.focus');
      if (node) await view.reveal(node, { select: true, focus: true, expand: true });
    }),
    on('failscope.copyFinding', async (what?: Node | string) => {
      const node = chosen(findings, view, what);
      if (!node) return;
      await vscode.env.clipboard.writeText(findingAsText(node.finding));
      vscode.window.setStatusBarMessage('Finding copied', 3000);
    }),
  );
}
