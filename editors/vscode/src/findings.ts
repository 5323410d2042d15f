// The tree of findings: one node a root cause, its failing tests below it.
import * as vscode from 'vscode';
import type { Server } from './client.js';

/** A finding as `rca_report.json` gives it; only what is shown here. */
export interface Finding {
  readonly fingerprint_hash: string;
  readonly root_cause: string;
  readonly category: string;
  readonly severity: string;
  readonly fix_suggestion: string;
  readonly affected_file: string | null;
  readonly affected_line: number | null;
  readonly confidence: number;
  readonly evidence: readonly string[];
  readonly failures: readonly Failure[];
  readonly stability: { readonly grade: string; readonly verdict: string } | null;
}

interface Failure {
  readonly test: string;
  readonly phase: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly exception: string;
  readonly message: string;
}

/** What `failscope.findings` answers, one for each workspace folder. */
export interface FolderFindings {
  readonly root: string;
  readonly report: { readonly total_failures: number; readonly analyses: readonly Finding[] };
}

type Node =
  | { readonly kind: 'finding'; readonly root: vscode.Uri; readonly finding: Finding }
  | { readonly kind: 'failure'; readonly root: vscode.Uri; readonly failure: Failure };

/** Feeds the view and knows the numbers for the status bar. */
export class Findings implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private folders: readonly FolderFindings[] = [];

  constructor(private readonly server: Server) {
    server.onFindings(() => void this.refresh());
  }

  /** Number of failures and of causes. */
  get counts(): { failures: number; causes: number } {
    return {
      failures: this.folders.reduce((sum, folder) => sum + folder.report.total_failures, 0),
      causes: this.folders.reduce((sum, folder) => sum + folder.report.analyses.length, 0),
    };
  }

  /** Asks the server for what it knows now. */
  async refresh(): Promise<void> {
    this.folders = (await this.server.execute<readonly FolderFindings[]>('failscope.findings')) ?? [];
    this.changed.fire(undefined);
  }

  getChildren(node?: Node): Node[] {
    if (!node) {
      return this.folders.flatMap(({ root, report }) =>
        report.analyses.map((finding) => ({ kind: 'finding' as const, root: vscode.Uri.parse(root), finding })),
      );
    }
    if (node.kind === 'failure') return [];
    return node.finding.failures.map((failure) => ({ kind: 'failure' as const, root: node.root, failure }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return node.kind === 'finding' ? findingItem(node.root, node.finding) : failureItem(node.root, node.failure);
  }

  dispose(): void {
    this.changed.dispose();
  }
}

const ICONS: Record<string, string> = { critical: 'flame', high: 'error', medium: 'warning', low: 'info' };

function findingItem(root: vscode.Uri, finding: Finding): vscode.TreeItem {
  const item = new vscode.TreeItem(finding.root_cause, vscode.TreeItemCollapsibleState.Collapsed);
  const tests = finding.failures.length;
  item.id = `${root.toString()}#${finding.fingerprint_hash}`;
  item.contextValue = 'finding';
  item.iconPath = new vscode.ThemeIcon(ICONS[finding.severity] ?? 'warning');
  item.description = [`${tests} ${tests === 1 ? 'failure' : 'failures'}`, finding.stability?.grade].filter(Boolean).join(' · ');
  item.tooltip = `${finding.root_cause}\n\n${finding.fix_suggestion}`;
  item.accessibilityInformation = { label: `${finding.severity}: ${finding.root_cause}, ${item.description}` };
  const command = open(root, finding.affected_file, finding.affected_line);
  if (command) item.command = command;
  return item;
}

function failureItem(root: vscode.Uri, failure: Failure): vscode.TreeItem {
  const item = new vscode.TreeItem(failure.test);
  item.contextValue = 'failure';
  item.iconPath = new vscode.ThemeIcon('beaker');
  item.description = failure.phase === 'call' ? failure.exception : `${failure.phase}: ${failure.exception}`;
  item.tooltip = failure.message;
  const command = open(root, failure.file, failure.line);
  if (command) item.command = command;
  return item;
}

/** Opens a place of the workspace; a path that climbs out of it is not followed. */
function open(root: vscode.Uri, file: string | null, line: number | null): vscode.Command | undefined {
  if (!file || file.startsWith('/') || file.split('/').includes('..')) return undefined;
  const at = Math.max(0, (line ?? 1) - 1);
  return {
    command: 'vscode.open',
    title: 'Open',
    arguments: [vscode.Uri.joinPath(root, file), { selection: new vscode.Range(at, 0, at, 0) }],
  };
}

/** A finding as text that can be pasted into a conversation. */
export function findingAsText(finding: Finding): string {
  const place = finding.affected_file ? `${finding.affected_file}:${finding.affected_line ?? 1}` : 'unknown place';
  return [
    `Root cause (${finding.category}, ${finding.severity}, ${Math.round(finding.confidence * 100)} % sure): ${finding.root_cause}`,
    `Where: ${place}`,
    ...finding.evidence.map((line) => `Evidence: ${line}`),
    `Suggested fix: ${finding.fix_suggestion}`,
    ...finding.failures.map((failure) => `Failing: ${failure.test} (${failure.phase}): ${failure.exception}: ${failure.message}`),
  ].join('\n');
}
