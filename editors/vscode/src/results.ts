// Findings in VS Code's own Test Results. Beside the Python extension's explorer, which shows the same tests, it stays
// off unless asked for, so that nothing is listed twice.
import * as vscode from 'vscode';
import type { Server } from './client.js';
import type { Failure, Finding, Findings, FolderFindings } from './findings.js';

/** Shows findings as test results until it is disposed of. */
export class Results implements vscode.Disposable {
  private controller: vscode.TestController | undefined;
  private readonly subscriptions: vscode.Disposable[];
  /** What was shown last: the same is not shown as another run. */
  private shown = '';

  constructor(
    private readonly server: Server,
    private readonly findings: Findings,
  ) {
    this.subscriptions = [
      findings.onDidChangeTreeData(() => this.update()),
      vscode.extensions.onDidChange(() => this.configure()),
    ];
    this.configure();
  }

  /** Takes the setting over. */
  configure(): void {
    if (!isWanted()) {
      this.controller?.dispose();
      this.controller = undefined;
      this.shown = '';
    } else if (!this.controller) {
      this.controller = vscode.tests.createTestController('failscope', 'Failscope');
      this.controller.createRunProfile('Run', vscode.TestRunProfileKind.Run, (request, token) => this.run(request, token), true);
      this.update();
    }
  }

  private update(): void {
    const { controller } = this;
    if (!controller) return;
    const now = JSON.stringify(
      this.findings.folders.map(({ root, report }) => [root, report.analyses.map((a) => [a.root_cause, a.failures])]),
    );
    if (now === this.shown) return;
    this.shown = now;
    const failing = new Map<vscode.TestItem, [FolderFindings, Finding, Failure][]>();
    for (const folder of this.findings.folders) {
      for (const finding of folder.report.analyses) {
        for (const failure of finding.failures) {
          const item = this.item(controller, folder, failure);
          if (item) failing.set(item, [...(failing.get(item) ?? []), [folder, finding, failure]]);
        }
      }
    }
    const mended: vscode.TestItem[] = [];
    controller.items.forEach((item) => {
      if (!failing.has(item)) mended.push(item);
    });
    if (failing.size === 0 && mended.length === 0) return;
    const items = [...failing.keys(), ...mended];
    const run = controller.createTestRun(new vscode.TestRunRequest(items), 'Failscope', false);
    for (const [item, records] of failing) {
      for (const [, finding, failure] of records) run.appendOutput(asOutput(finding, failure), undefined, item);
      run.failed(item, records.flatMap((record) => messages(...record)));
    }
    for (const item of mended) {
      run.passed(item);
      controller.items.delete(item.id);
    }
    run.end();
  }

  private item(controller: vscode.TestController, folder: FolderFindings, failure: Failure): vscode.TestItem | undefined {
    const root = vscode.Uri.parse(folder.root);
    const id = `${folder.root}#${failure.test}`;
    const known = controller.items.get(id);
    const at = place(root, failure.file, failure.line);
    const item = known ?? controller.createTestItem(id, failure.test, at?.uri);
    item.range = at?.range;
    item.description = failure.phase === 'call' ? '' : failure.phase;
    controller.items.add(item);
    return item;
  }

  /** Has the server run tests; their results come back the way all results come. */
  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const all: vscode.TestItem[] = [];
    this.controller?.items.forEach((item) => all.push(item));
    const byFolder = new Map<string, string[]>();
    for (const item of request.include ?? all) {
      const at = item.id.indexOf('#');
      const folder = item.id.slice(0, at);
      byFolder.set(folder, [...(byFolder.get(folder) ?? []), item.id.slice(at + 1)]);
    }
    for (const [folder, tests] of byFolder) {
      if (!token.isCancellationRequested) await this.server.execute('failscope.runTest', { folder, tests });
    }
  }

  dispose(): void {
    this.controller?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function isWanted(): boolean {
  const setting = vscode.workspace.getConfiguration('failscope').get<string>('testResults');
  if (setting === 'off' || !vscode.workspace.isTrusted) return false;
  return setting === 'on' || !vscode.extensions.getExtension('ms-python.python');
}

/** The failure with its cause where it failed, and the cause again where it lies. */
function messages(folder: FolderFindings, finding: Finding, failure: Failure): vscode.TestMessage[] {
  const root = vscode.Uri.parse(folder.root);
  const first = new vscode.TestMessage(`${failure.exception}: ${failure.message}\n\nRoot cause: ${finding.root_cause}`);
  const at = place(root, failure.file, failure.line);
  if (at) first.location = at;
  const cause = place(root, finding.affected_file, finding.affected_line);
  if (!cause || (finding.affected_file === failure.file && finding.affected_line === failure.line)) return [first];
  const second = new vscode.TestMessage(`Root cause: ${finding.root_cause}`);
  second.location = cause;
  return [first, second];
}

/** The failure as the run's output shows it: a terminal, whose lines end with both characters. */
function asOutput(finding: Finding, failure: Failure): string {
  const at = finding.affected_file ? ` (${finding.affected_file}:${finding.affected_line ?? 1})` : '';
  const text = `${failure.test}\n${failure.exception}: ${failure.message}\nRoot cause${at}: ${finding.root_cause}\n\n`;
  // What a test printed must not steer the terminal.
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ').replace(/\n/g, '\r\n');
}

function place(root: vscode.Uri, file: string | null, line: number | null): vscode.Location | undefined {
  if (!file || file.startsWith('/') || file.split('/').includes('..')) return undefined;
  const at = Math.max(0, (line ?? 1) - 1);
  return new vscode.Location(vscode.Uri.joinPath(root, file), new vscode.Range(at, 0, at, 0));
}
