// The settings as the server takes them.
import * as vscode from 'vscode';
import { interpreter } from './binary.js';

const KEYS = [
  'resultGlobs',
  'pathMappings',
  'python',
  'pytestArgs',
  'ai',
  'provider',
  'model',
  'aiBudgetCalls',
  'aiBudgetTokens',
  'aiBudgetDailyCalls',
  'aiBudgetDailyTokens',
  'maxLogSize',
  'output',
  'severity',
  'surfaces',
  'verify',
  'verifyModelFixes',
  'history',
] as const;

/**
 * Settings that the user has set; what is left at its default stays out, so that `[tool.failscope]` of the
 * project decides it. The interpreter of the Python extension stands in where none is set.
 */
export async function settings(scope?: vscode.Uri): Promise<Record<string, unknown>> {
  const configuration = vscode.workspace.getConfiguration('failscope', scope);
  const chosen: Record<string, unknown> = {};
  for (const key of KEYS) {
    const seen = configuration.inspect(key);
    const set = seen?.workspaceFolderValue ?? seen?.workspaceValue ?? seen?.globalValue;
    if (set !== undefined && set !== null) chosen[key] = configuration.get(key);
  }
  if (chosen['python'] === undefined) {
    const python = await interpreter();
    if (python) chosen['python'] = python;
  }
  return chosen;
}
