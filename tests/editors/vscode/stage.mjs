// What the stories share: a fresh failing project and an editor on it for each scene, and what they have shown.
// Every story is started with: VSIX PYTHON ARTEFACTS [SCENE…]. FAILSCOPE_TEST_BINARY is the binary that recorded scenes use.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCode } from './code.mjs';

export const [vsix, python, artefacts] = process.argv.slice(2, 5).map((p) => path.resolve(p));
const wanted = process.argv.slice(5);
const here = path.dirname(fileURLToPath(import.meta.url));
fs.mkdirSync(artefacts, { recursive: true });
let passed = 0;
let failed = 0;
/** The editor of the running scene. */
let current;

/** Counts whether `act` goes through; what the editor shows when it does not is kept as a picture. */
export async function check(what, act) {
  try {
    await act();
    passed += 1;
  } catch (error) {
    failed += 1;
    await current?.screenshot({ path: path.join(artefacts, `failed-${what.replaceAll(/\W+/g, '-')}.png`) });
    console.log(`FAILED ${what}: ${error.message.split('\n').slice(0, 6).join(' | ')}`);
  }
}

export function expect(ok, text) {
  if (!ok) throw new Error(text);
}

function newWorkspace(name) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), `failscope-${name}-`));
  const workspace = path.join(work, 'shop');
  fs.cpSync(path.join(here, '../project'), workspace, { recursive: true });
  return { work, workspace };
}

export function runPytest(workspace) {
  const done = spawnSync(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--junitxml=report.xml'], { cwd: workspace });
  return done.status;
}

/** Where the messages of a recorded scene are, for the check against the protocol's types. */
export const recording = (name) => path.join(here, `../../../target/lsp-messages/vscode-${name}.jsonl`);

/** The environment in which the messages of the scene are recorded. */
function recorder(work, name) {
  const log = recording(name);
  fs.mkdirSync(path.dirname(log), { recursive: true });
  fs.rmSync(log, { force: true });
  const file = path.join(work, 'failscope');
  const binary = process.env.FAILSCOPE_TEST_BINARY;
  fs.writeFileSync(file, `#!/bin/sh\n[ "$1" = lsp ] && exec '${binary}' "$@" --log-messages '${log}'\nexec '${binary}' "$@"\n`, { mode: 0o755 });
  return { FAILSCOPE_BIN: file };
}

/** `options` are those of `openCode`; `record` has the messages recorded, `prepare` may change the work folder first and gives further ones. */
export async function scene(name, options, act) {
  if (wanted.length && !wanted.includes(name)) return;
  const { work, workspace } = newWorkspace(name);
  if (runPytest(workspace) !== 1) throw new Error('the project must fail first');
  const { prepare, record = false, environment = {}, ...rest } = options;
  const open = prepare?.(work, workspace) ?? {};
  const code = await openCode({ work, workspace, vsix, environment: { ...environment, ...(record ? recorder(work, name) : {}) }, ...rest, ...open });
  current = code.page;
  try {
    await act(code.page, workspace, code);
  } finally {
    current = undefined;
    await code.page.screenshot({ path: path.join(artefacts, `${name}.png`) });
    await code.close();
    fs.rmSync(work, { recursive: true, force: true });
  }
}

export const squiggles = (page) => page.locator('.monaco-editor .squiggly-error');
export const shoot = (page, name) => page.screenshot({ path: path.join(artefacts, `${name}.png`) });
export const findingsPane = (page) => page.locator('.pane', { hasText: 'Failscope Findings' });

/** The titles in the command palette for `text`. */
export async function palette(page, text) {
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget input');
  await input.waitFor();
  await input.fill(`>${text}`);
  // The list follows the typing; that the first row is about it is seen by its highlight or by there being none.
  await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  await page.waitForFunction(() => document.querySelector('.quick-input-widget .quick-input-progress .active') === null);
  const rows = await page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
  await page.keyboard.press('Escape');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  return rows.map((row) => row.split('\n')[0]);
}

/** The extension as it comes for a platform that no binary is built for. */
export function withoutBinary(work) {
  const bare = path.join(work, 'bare.vsix');
  const leaveOut = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as full, zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED) as bare:
    for entry in full.infolist():
        if not entry.filename.startswith('extension/bin/'):
            bare.writestr(entry, full.read(entry))`;
  const done = spawnSync(python, ['-c', leaveOut, vsix, bare]);
  if (done.status !== 0) throw new Error(String(done.stderr));
  return bare;
}

/** Waits until the output channel has been given `text`: its panel shows lines of this file as it scrolls, the file has them all. */
export async function logged(code, text) {
  const files = () => fs.readdirSync(code.logs, { recursive: true }).filter((name) => name.endsWith('Failscope.log'));
  const found = () => files().some((name) => fs.readFileSync(path.join(code.logs, name), 'utf8').includes(text));
  for (let tries = 0; tries < 300 && !found(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(found(), `${text} is not in ${files()}`);
}

/** Ends the story with its outcome. */
export function end() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}
