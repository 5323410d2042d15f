// The tree of findings: one node a root cause, its failing tests below it.
import * as vscode from 'vscode';
import type { Server } from './client.js';
import { passes, type Filter } from './filter.js';

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
  readonly culprits: readonly Culprit[];
  readonly fixes: readonly Fix[];
  readonly stability: { readonly grade: string; readonly verdict: string } | null;
}

/** One failing test of a finding. */
export interface Failure {
  readonly test: string;
  readonly phase: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly exception: string;
  readonly message: string;
}

interface Culprit {
  readonly file: string;
  readonly line: number;
}

interface Fix {
  readonly title: string;
  readonly kind: string;
  readonly verification: { readonly state: string };
}

/** What `failscope.findings` answers, one for each workspace folder. */
export interface FolderFindings {
  readonly root: string;
  /** Fingerprints of findings whose code has changed since the run. */
  readonly stale?: readonly string[];
  readonly report: {
    readonly timestamp: number;
    readonly total_failures: number;
    /** Where the results were read from: nothing as long as there are none. */
    readonly run: { readonly sources: readonly unknown[] };
    readonly analyses: readonly Finding[];
  };
}

/** A row of the view. */
export type Node = FindingNode | FailureNode;

/** A root cause. */
export interface FindingNode {
  readonly kind: 'finding';
  readonly root: vscode.Uri;
  readonly finding: Finding;
  readonly state: State;
}

/** A failing test below its root cause. */
export interface FailureNode {
  readonly kind: 'failure';
  readonly root: vscode.Uri;
  readonly failure: Failure;
  /** Of the finding above it. */
  readonly fingerprint: string;
}

/** What is known of a finding beside the document. */
export interface State {
  /** The code has changed since the run. */
  readonly stale: boolean;
  /** A fix was tried on a copy and the tests passed. */
  readonly verified: boolean;
  /** It was not there when the results before these were read. */
  readonly isNew: boolean;
}

/** Feeds the view and knows the numbers for the status bar. */
export class Findings implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private known: readonly FolderFindings[] = [];
  /** What was last heard, as text: the view is not built anew under a person's hands when nothing is new. */
  private heard: string | undefined;
  /** Fingerprints of the results before, by folder and time of the run. */
  private readonly before = new Map<string, { time: number; now: Set<string>; earlier: Set<string> | undefined }>();
  private filter: Filter = {};

  constructor(private readonly server: Server) {
    server.onFindings(() => void this.refresh());
  }

  /** What is known of every folder. */
  get folders(): readonly FolderFindings[] {
    return this.known;
  }

  /** Shows only what passes; gives how many findings do and how many there are. */
  setFilter(filter: Filter): { shown: number; all: number } {
    this.filter = filter;
    this.changed.fire(undefined);
    return { shown: this.getChildren().length, all: this.counts.causes };
  }

  /** Number of failures and of causes. */
  get counts(): { failures: number; causes: number } {
    return {
      failures: this.known.reduce((sum, folder) => sum + folder.report.total_failures, 0),
      causes: this.known.reduce((sum, folder) => sum + folder.report.analyses.length, 0),
    };
  }

  /** Asks the server for what it knows now. */
  async refresh(): Promise<void> {
    const known = (await this.server.execute<readonly FolderFindings[]>('failscope.findings')) ?? [];
    const heard = JSON.stringify(known);
    if (heard === this.heard) return;
    this.heard = heard;
    this.known = known;
    for (const { root, report } of this.known) {
      // Before anything is read there are no results that others could be newer than.
      if (report.run.sources.length === 0) continue;
      const now = new Set(report.analyses.map((finding) => finding.fingerprint_hash));
      const last = this.before.get(root);
      if (!last || last.time !== report.timestamp) this.before.set(root, { time: report.timestamp, now, earlier: last?.now });
      else last.now = now;
    }
    this.changed.fire(undefined);
  }

  private state(folder: FolderFindings, finding: Finding): State {
    const earlier = this.before.get(folder.root)?.earlier;
    return {
      stale: folder.stale?.includes(finding.fingerprint_hash) ?? false,
      verified: finding.fixes.some((fix) => fix.verification.state === 'verified'),
      isNew: earlier !== undefined && !earlier.has(finding.fingerprint_hash),
    };
  }

  private all(): FindingNode[] {
    return this.known.flatMap((folder) =>
      folder.report.analyses.map((finding) => {
        const state = this.state(folder, finding);
        return { kind: 'finding' as const, root: vscode.Uri.parse(folder.root), finding, state };
      }),
    );
  }

  /** The finding with this fingerprint, whether the filter lets it pass or not. */
  find(fingerprint: string): FindingNode | undefined {
    return this.all().find((node) => node.finding.fingerprint_hash === fingerprint);
  }

  /** Whether the filter lets it pass. */
  isShown(node: FindingNode): boolean {
    return passes(this.filter, node.finding, node.state);
  }

  /** The first that is shown. */
  first(): FindingNode | undefined {
    return this.all().find((node) => this.isShown(node));
  }

  getChildren(node?: Node): Node[] {
    if (!node) return this.all().filter((node) => this.isShown(node));
    if (node.kind === 'failure') return [];
    const fingerprint = node.finding.fingerprint_hash;
    return node.finding.failures.map((failure) => ({ kind: 'failure' as const, root: node.root, failure, fingerprint }));
  }

  getParent(node: Node): Node | undefined {
    return node.kind === 'failure' ? this.find(node.fingerprint) : undefined;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return node.kind === 'finding' ? findingItem(node.root, node.finding, node.state) : failureItem(node.root, node.failure);
  }

  dispose(): void {
    this.changed.dispose();
  }
}

const ICONS: Record<string, string> = { critical: 'flame', high: 'error', medium: 'warning', low: 'info' };

function findingItem(root: vscode.Uri, finding: Finding, state: State): vscode.TreeItem {
  const item = new vscode.TreeItem(finding.root_cause, vscode.TreeItemCollapsibleState.Collapsed);
  const tests = finding.failures.length;
  item.id = `${root.toString()}#${finding.fingerprint_hash}`;
  item.contextValue = finding.fixes.some((fix) => fix.kind === 'edit') ? 'finding fixable' : 'finding';
  item.iconPath = new vscode.ThemeIcon(ICONS[finding.severity] ?? 'warning');
  item.description = [
    `${tests} ${tests === 1 ? 'failure' : 'failures'}`,
    finding.stability ? `grade ${finding.stability.grade}` : '',
    state.isNew ? 'new' : '',
    state.stale ? 'stale' : '',
    state.verified ? 'fix verified' : '',
  ]
    .filter(Boolean)
    .join(' · ');
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
  item.accessibilityInformation = { label: `${failure.test} fails in ${failure.phase}: ${failure.exception} ${failure.message}` };
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
