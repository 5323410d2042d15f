// The HTML report in a tab and in the browser.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
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

/** Opens the newest report in the browser. */
export async function openReportInBrowser(): Promise<void> {
  const file = await find();
  if (file) await inBrowser(file);
}

let pages: Pages | undefined;

/** Opens a page of this machine in the browser, which may be that of another machine. */
export async function inBrowser(file: vscode.Uri): Promise<boolean> {
  const isElsewhere = vscode.env.remoteName !== undefined || vscode.env.uiKind === vscode.UIKind.Web;
  if (!isElsewhere || file.scheme !== 'file') return vscode.env.openExternal(file);
  pages ??= await Pages.start();
  // The editor forwards the port, and knows the address under which the browser finds it.
  const address = await vscode.env.asExternalUri(pages.address(file));
  return vscode.env.openExternal(address.with({ fragment: file.fragment }));
}

/** Stops what serves pages. */
export function closePages(): void {
  pages?.server.close();
  pages?.server.closeAllConnections();
  pages = undefined;
}

/** Serves those files that have been opened, each under a name that nobody can guess, to this machine only. */
class Pages {
  private readonly files = new Map<string, string>();

  private constructor(readonly server: http.Server) {
    server.on('request', (request, response) => void this.answer(request, response));
  }

  static start(): Promise<Pages> {
    const server = http.createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new Pages(server)));
    });
  }

  address(file: vscode.Uri): vscode.Uri {
    const known = [...this.files].find(([, path]) => path === file.fsPath)?.[0];
    const name = known ?? `/${randomBytes(24).toString('hex')}/${NAME}`;
    this.files.set(name, file.fsPath);
    return vscode.Uri.parse(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}${name}`);
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const file = this.files.get(request.url ?? '');
    try {
      if (request.method !== 'GET' || file === undefined) throw new Error('nothing is here');
      const page = await readFile(file);
      const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };
      response.writeHead(200, headers).end(page);
    } catch {
      response.writeHead(404).end();
    }
  }
}
