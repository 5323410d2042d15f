// The settings as the server takes them.
import * as vscode from 'vscode';
import { interpreter } from './binary.js';

/** Settings that are the editor's own; every other one is the server's. */
const OURS = ['failscope.path', 'failscope.testResults', 'failscope.trace.server'];

interface Manifest {
  readonly contributes: { readonly configuration: { readonly properties: Readonly<Record<string, unknown>> } };
}

let keys: readonly string[] = [];

/** Takes the server's settings from the manifest, so that they are written down once. */
export function readManifest(manifest: unknown): void {
  const { properties } = (manifest as Manifest).contributes.configuration;
  keys = Object.keys(properties)
    .filter((name) => !OURS.includes(name))
    .map((name) => name.slice('failscope.'.length));
}

/**
 * Settings that the user has set; what is left at its default stays out, so that `[tool.failscope]` of the
 * project decides it. The interpreter of the Python extension stands in where none is set.
 */
export async function settings(scope?: vscode.Uri): Promise<Record<string, unknown>> {
  const configuration = vscode.workspace.getConfiguration('failscope', scope);
  const chosen: Record<string, unknown> = {};
  for (const key of keys) {
    const seen = configuration.inspect(key);
    const set = seen?.workspaceFolderValue ?? seen?.workspaceValue ?? seen?.globalValue;
    // `failscope.trace.server`, which the language client reads, makes `failscope.trace` look like an object.
    if (key === 'trace' && typeof set !== 'string') continue;
    if (set !== undefined && set !== null) chosen[key] = configuration.get(key);
  }
  if (chosen['python'] === undefined) {
    const python = await interpreter();
    if (python) chosen['python'] = python;
  }
  return chosen;
}
