// Finding the `failscope` binary: environment, setting, bundled, interpreter's environment, PATH.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';

/** The oldest binary that understands this extension. */
const OLDEST = [0, 1, 0] as const;
const NAME = process.platform === 'win32' ? 'failscope.exe' : 'failscope';
const run = promisify(execFile);

/** A binary that was found, and why it was this one. */
export interface Binary {
  readonly command: string;
  readonly origin: string;
  readonly version: string;
}

/** Why there is no usable binary, in words for the user. */
export class NoBinary extends Error {}

interface Candidate {
  readonly command: string;
  readonly origin: string;
  /** Named by the user: when it does not work that is said, and no other is tried. */
  readonly chosen: boolean;
}

/** The binary to use. Throws {@link NoBinary}. */
export async function findBinary(context: vscode.ExtensionContext): Promise<Binary> {
  const tried: string[] = [];
  for (const candidate of await candidates(context)) {
    let version: string;
    try {
      const { stdout } = await run(candidate.command, ['--version'], { timeout: 10_000 });
      version = stdout.trim().split(/\s+/).pop() ?? '';
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      if (candidate.chosen) throw new NoBinary(`${candidate.command} (${candidate.origin}) cannot be run: ${reason}`);
      tried.push(`${candidate.origin}: ${candidate.command}`);
      continue;
    }
    if (isTooOld(version)) {
      const text = `${candidate.command} (${candidate.origin}) is version ${version || 'unknown'}; at least ${OLDEST.join('.')} is needed`;
      if (candidate.chosen) throw new NoBinary(text);
      tried.push(text);
      continue;
    }
    return { command: candidate.command, origin: candidate.origin, version };
  }
  throw new NoBinary(`The failscope binary was not found. Tried ${tried.join('; ')}.`);
}

async function candidates(context: vscode.ExtensionContext): Promise<Candidate[]> {
  const found: Candidate[] = [];
  const environment = process.env['FAILSCOPE_BIN'];
  if (environment) found.push({ command: environment, origin: 'FAILSCOPE_BIN', chosen: true });
  const setting = vscode.workspace.getConfiguration('failscope').get<string>('path');
  if (setting) found.push({ command: setting, origin: 'the setting failscope.path', chosen: true });
  const bundled = context.asAbsolutePath(path.join('bin', NAME));
  if (fs.existsSync(bundled)) found.push({ command: bundled, origin: 'bundled', chosen: false });
  const python = await interpreter();
  if (python) {
    found.push({ command: path.join(path.dirname(python), NAME), origin: 'the interpreter’s environment', chosen: false });
  }
  found.push({ command: NAME, origin: 'PATH', chosen: false });
  return found;
}

/** The interpreter that the Python extension has chosen, if that extension is there. */
export async function interpreter(): Promise<string | undefined> {
  try {
    return (await environments())?.getActiveEnvironmentPath()?.path;
  } catch {
    return undefined; // another extension's fault must not stop ours
  }
}

/** Calls `act` whenever the Python extension has chosen another interpreter. */
export async function onInterpreter(act: () => void): Promise<vscode.Disposable> {
  try {
    return (await environments())?.onDidChangeActiveEnvironmentPath?.(act) ?? new vscode.Disposable(() => {});
  } catch {
    return new vscode.Disposable(() => {});
  }
}

async function environments(): Promise<Environments | undefined> {
  const extension = vscode.extensions.getExtension<{ readonly environments?: Environments }>('ms-python.python');
  if (!extension) return undefined;
  const api = extension.isActive ? extension.exports : await extension.activate();
  return api.environments;
}

interface Environments {
  getActiveEnvironmentPath(): { readonly path: string } | undefined;
  readonly onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
}

function isTooOld(version: string): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, oldest] of OLDEST.entries()) {
    const part = parts[index];
    if (part === undefined || Number.isNaN(part)) return true;
    if (part !== oldest) return part < oldest;
  }
  return false;
}
