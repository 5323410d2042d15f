// The HTML report in a tab and in the browser.
import * as vscode from 'vscode';

const NAME = 'rca_report.html';

async function find(): Promise<vscode.Uri | undefined> {
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    const output = vscode.workspace.getConfiguration('failscope', folder.uri).get<string>('output') || '.failscope';
    const base = output.startsWith('/') ? folder.uri.with({ path: output }) : vscode.Uri.joinPath(folder.uri, output);
    const file = vscode.Uri.joinPath(base, NAME);
    try {
      await vscode.workspace.fs.stat(file);
      return file;
    } catch {
      // no report in this folder yet
    }
  }
  void vscode.window.showInformationMessage('Failscope has written no report yet: run your tests first.');
  return undefined;
}

/** Shows the report in a tab. It carries a content-security policy of its own and loads nothing. */
export async function showReport(): Promise<void> {
  const file = await find();
  if (!file) return;
  const html = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  const panel = vscode.window.createWebviewPanel('failscope.report', 'Failscope Report', vscode.ViewColumn.Active, {
    enableScripts: true,
    localResourceRoots: [],
  });
  panel.webview.html = html;
}

/** Opens the report in the system's browser. */
export async function openReportInBrowser(): Promise<void> {
  const file = await find();
  if (file) await vscode.env.openExternal(file);
}
