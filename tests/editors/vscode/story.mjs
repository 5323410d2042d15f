// usage: node story.mjs VSIX PYTHON ARTEFACTS
// The story of a person in VS Code: failures are shown, explained, mended, and gone.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, openCode, openFile, pointAt } from './code.mjs';

const [vsix, python, artefacts] = process.argv.slice(2).map((p) => path.resolve(p));
const here = path.dirname(fileURLToPath(import.meta.url));
fs.mkdirSync(artefacts, { recursive: true });
let passed = 0;
let failed = 0;

async function check(what, act) {
  try {
    await act();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${what}: ${error.message.split('\n').slice(0, 4).join(' | ')}`);
  }
}

function expect(ok, text) {
  if (!ok) throw new Error(text);
}

function newWorkspace(name) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), `failscope-${name}-`));
  const workspace = path.join(work, 'shop');
  fs.cpSync(path.join(here, '../project'), workspace, { recursive: true });
  return { work, workspace };
}

function runPytest(workspace) {
  const done = spawnSync(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--junitxml=report.xml'], { cwd: workspace });
  return done.status;
}

async function scene(name, options, act) {
  const { work, workspace } = newWorkspace(name);
  if (runPytest(workspace) !== 1) throw new Error('the project must fail first');
  const code = await openCode({ work, workspace, vsix, ...options });
  try {
    await act(code.page, workspace);
  } finally {
    await code.page.screenshot({ path: path.join(artefacts, `${name}.png`) });
    await code.close();
    fs.rmSync(work, { recursive: true, force: true });
  }
}

const squiggles = (page) => page.locator('.monaco-editor .squiggly-error');
const shoot = (page, name) => page.screenshot({ path: path.join(artefacts, `${name}.png`) });

await scene('main', {}, async (page, workspace) => {
  await check('the failing test line is underlined', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await squiggles(page).first().waitFor();
    expect((await squiggles(page).count()) >= 2, 'two failing tests, two squiggles');
  });
  await check('a code lens tells the status', async () => {
    await page.locator('.codelens-decoration', { hasText: '✗' }).first().waitFor();
  });
  await shoot(page, 'test-file');
  await check('the culprit line is underlined', async () => {
    await openFile(page, 'basket.py', 13, 18);
    await squiggles(page).first().waitFor();
  });
  await check('the hover holds the cause', async () => {
    await pointAt(page, 'subtotl');
    const hover = page.locator('.monaco-hover:visible', { hasText: 'test_total_counts_quantities' }).first();
    await hover.waitFor();
    const text = await hover.innerText();
    expect(text.includes('subtotl') && text.includes('subtotal'), `hover: ${text}`);
    await shoot(page, 'hover');
    await page.keyboard.press('Escape');
  });
  await check('Problems lists it with related information', async () => {
    await command(page, 'Problems: Focus on Problems View');
    const panel = page.locator('.markers-panel');
    await panel.locator('.monaco-list-row', { hasText: 'subtotl' }).first().waitFor();
    await shoot(page, 'problems');
  });
  await check('the findings view groups by cause', async () => {
    await command(page, 'Testing: Focus on Failscope Findings View');
    await page.locator('.pane', { hasText: 'Failscope Findings' }).locator('.monaco-list-row', { hasText: 'subtotl' }).first().waitFor();
    await shoot(page, 'findings');
  });
  await check('the status bar counts', async () => {
    await page.locator('.statusbar-item', { hasText: '2 failures, 1 cause' }).waitFor();
  });
  await check('the report opens in a tab', async () => {
    await command(page, 'Failscope: Show Report');
    await page.locator('.tab.active', { hasText: 'Failscope Report' }).waitFor();
    const frame = page.frameLocator('iframe.webview').first().frameLocator('iframe').first();
    await frame.locator('body', { hasText: 'subtotl' }).waitFor();
    await shoot(page, 'report');
    await page.locator('.tab.active').click({ button: 'middle' });
    await page.locator('.tab', { hasText: 'Failscope Report' }).waitFor({ state: 'detached' });
  });
  await check('the quick fix mends the file', async () => {
    await openFile(page, 'basket.py', 13, 18);
    await page.keyboard.press('Control+.');
    const menu = page.locator('.action-widget .monaco-list-row', { hasText: 'subtotal' }).first();
    await menu.waitFor();
    await shoot(page, 'quick-fix');
    await menu.click();
    await page.locator('.view-line', { hasText: 'round(subtotal,' }).waitFor();
    await page.locator('.tab.active.dirty').waitFor();
    await page.keyboard.press('Control+S');
    await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    const text = fs.readFileSync(path.join(workspace, 'shop/basket.py'), 'utf8');
    expect(text.includes('return round(subtotal, 2)'), text);
  });
  await check('the tests pass again and the squiggles go', async () => {
    expect(runPytest(workspace) === 0, 'pytest must pass');
    await squiggles(page).first().waitFor({ state: 'detached' });
    await openFile(page, 'test_basket.py', 5, 12);
    await page.locator('.statusbar-item', { hasText: 'Failscope' }).filter({ hasNotText: 'failure' }).waitFor();
    expect((await squiggles(page).count()) === 0, 'no squiggle is left');
  });
});

await scene('wrong-path', { extra: { 'failscope.path': '/nonexistent/failscope' } }, async (page) => {
  await check('a wrong binary path gives a message', async () => {
    await openFile(page, 'test_basket.py');
    await page.locator('.notification-toast', { hasText: '/nonexistent/failscope' }).first().waitFor();
    await page.locator('.notification-toast .monaco-button', { hasText: 'Open Settings' }).first().waitFor();
  });
});

await scene('restricted', { trust: true }, async (page) => {
  await check('Restricted Mode shows findings and offers no run', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await squiggles(page).first().waitFor();
    await page.keyboard.press('Control+.');
    const menu = page.locator('.action-widget').first();
    await menu.waitFor();
    const text = await menu.innerText();
    expect(!/run/i.test(text), `offered: ${text}`);
    await page.keyboard.press('Escape');
  });
});

// The negative control: without the extension the same workspace has no squiggle, so the checks above can fail.
await scene('control', { vsix: undefined }, async (page) => {
  await check('without the extension nothing is underlined', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await page.locator('.view-line', { hasText: 'assert' }).first().waitFor();
    expect((await squiggles(page).count()) === 0, 'squiggles without the extension');
  });
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
