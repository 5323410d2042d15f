// Which findings the view shows.
import * as vscode from 'vscode';
import type { Finding, Findings, State } from './findings.js';

/** A finding passes if it is one of the kinds of every group that is named. */
export interface Filter {
  readonly severities?: readonly string[];
  readonly states?: readonly string[];
}

const SEVERITIES = ['critical', 'high', 'medium', 'low'];
const STATES: Record<string, string> = {
  new: 'New since the results before',
  verified: 'With a verified fix',
  fixable: 'With a fix that can be applied',
  current: 'Not stale',
};

/** Whether the view shows a finding. */
export function passes(filter: Filter, finding: Finding, state: State): boolean {
  const has: Record<string, boolean> = {
    new: state.isNew,
    verified: state.verified,
    fixable: finding.fixes.some((fix) => fix.kind === 'edit'),
    current: !state.stale,
  };
  const severity = !filter.severities?.length || filter.severities.includes(finding.severity);
  return severity && (filter.states ?? []).every((name) => has[name]);
}

interface Choice extends vscode.QuickPickItem {
  readonly group?: 'severities' | 'states';
  readonly value?: string;
}

/** Lets the user choose what the view shows. */
export async function chooseFilter(findings: Findings, view: vscode.TreeView<unknown>): Promise<void> {
  const choices: Choice[] = [
    { label: 'Severity', kind: vscode.QuickPickItemKind.Separator },
    ...SEVERITIES.map((value) => ({ label: value, group: 'severities' as const, value })),
    { label: 'State', kind: vscode.QuickPickItemKind.Separator },
    ...Object.entries(STATES).map(([value, label]) => ({ label, group: 'states' as const, value })),
  ];
  const chosen = await vscode.window.showQuickPick(choices, {
    canPickMany: true,
    title: 'Show only findings that are',
    placeHolder: 'Nothing chosen: all findings',
  });
  if (!chosen) return;
  const of = (group: string): string[] => chosen.flatMap((c) => (c.group === group && c.value ? [c.value] : []));
  const { shown, all } = findings.setFilter({ severities: of('severities'), states: of('states') });
  view.message = chosen.length ? `${shown} of ${all} shown: ${chosen.map((c) => c.label.toLowerCase()).join(', ')}` : '';
}
