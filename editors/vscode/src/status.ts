// The status bar item: counts at a glance, and the way to the findings.
import * as vscode from 'vscode';
import type { Server } from './client.js';
import type { Findings } from './findings.js';

/** Shows the server's state and the numbers of failures and causes. */
export function statusItem(server: Server, findings: Findings): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('failscope.status', vscode.StatusBarAlignment.Left, 10);
  item.name = 'Failscope';
  const show = (): void => {
    const { failures, causes } = findings.counts;
    item.command = 'failscope.findings.focus';
    void vscode.commands.executeCommand('setContext', 'failscope.hasFindings', failures > 0);
    if (failures === 0) {
      item.text = '$(pass) Failscope';
      item.tooltip = 'Failscope: no failing tests are known';
      item.backgroundColor = undefined;
    } else {
      const words = `${failures} ${failures === 1 ? 'failure' : 'failures'}, ${causes} ${causes === 1 ? 'cause' : 'causes'}`;
      item.text = `$(search-fuzzy) ${words}`;
      item.tooltip = `Failscope: ${words}`;
    }
    item.accessibilityInformation = { label: String(item.tooltip) };
  };
  const subscriptions = [
    findings.onDidChangeTreeData(show),
    server.onState((state) => {
      if (state === 'starting') item.text = '$(sync~spin) Failscope';
      else if (state === 'failed') {
        item.text = '$(error) Failscope';
        item.tooltip = 'The Failscope server does not run; click for its output';
        item.command = 'failscope.showOutput';
      } else if (state === 'running') show();
    }),
  ];
  show();
  item.show();
  return vscode.Disposable.from(item, ...subscriptions);
}
