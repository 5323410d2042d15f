// usage: node story.mjs VSIX PYTHON ARTEFACTS [SCENE…]
// The story of a person in VS Code: failures are shown, explained, mended, and gone.
import fs from 'node:fs';
import path from 'node:path';
import { actionMenu, command, openFile, pointAt } from './code.mjs';
import { artefacts, check, end, expect, findingsPane, palette, python, runPytest, scene, shoot, squiggles, withoutBinary } from './stage.mjs';

await scene('main', { record: true, proxy: true, extra: { 'failscope.python': python } }, async (page, workspace, code) => {
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
    await openFile(page, 'shop/basket.py', 13, 18);
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
    await findingsPane(page).locator('.monaco-list-row', { hasText: 'subtotl' }).first().waitFor();
    await shoot(page, 'findings');
  });
  const findings = findingsPane(page);
  const row = findings.locator('.monaco-list-row', { hasText: 'subtotl' }).first();
  await check('a finding is copied for an assistant', async () => {
    await row.hover();
    await row.getByRole('button', { name: 'Copy Finding for an Assistant' }).click();
    await page.locator('.statusbar-item', { hasText: 'Finding copied' }).waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    expect(text.includes('Root cause') && text.includes('test_empty_basket'), `copied: ${text}`);
  });
  await check('a row is read out with severity and number', async () => {
    const label = await row.getAttribute('aria-label');
    expect(/^(critical|high|medium|low): .*subtotl.* 2 failures/.test(label), `label: ${label}`);
  });
  const filter = async (label) => {
    await command(page, 'Failscope: Filter Findings');
    const pick = page.locator('.quick-input-widget', { hasText: 'Show only findings that are' });
    await pick.waitFor();
    if (label) {
      await pick.locator('.monaco-list-row', { hasText: label }).click();
      await pick.locator('.monaco-list-row[aria-checked="true"]', { hasText: label }).waitFor();
    }
    await pick.getByRole('button', { name: 'OK' }).click();
    await pick.waitFor({ state: 'hidden' });
  };
  await check('what comes where there was nothing is not newer than other results', async () => {
    await command(page, 'Failscope: Clear Findings');
    await row.waitFor({ state: 'detached' });
    await command(page, 'Failscope: Analyze Test Results');
    await row.waitFor();
    const label = await row.getAttribute('aria-label');
    expect(!/\bnew\b/.test(label), `label: ${label}`);
  });
  await check('the view is filtered', async () => {
    await filter('New since the results before');
    await findings.getByText('0 of 1 shown').waitFor();
    await row.waitFor({ state: 'detached' });
    await filter('With a fix that can be applied');
    await row.waitFor();
    await filter();
    await findings.getByText('shown:').waitFor({ state: 'detached' });
  });
  await check('a fix is previewed before anything is written', async () => {
    await row.hover();
    await row.getByRole('button', { name: 'Preview Fix' }).click();
    const panel = page.locator('.bulk-edit-panel');
    await panel.locator('.monaco-list-row', { hasText: 'basket.py' }).first().waitFor();
    await shoot(page, 'preview');
    await panel.getByRole('button', { name: 'Discard' }).click();
    const text = fs.readFileSync(path.join(workspace, 'shop/basket.py'), 'utf8');
    expect(text.includes('round(subtotl, 2)'), 'nothing is changed');
  });
  await check('a fix is tried on a copy, and is marked as verified where it is offered', async () => {
    await openFile(page, 'shop/basket.py', 13, 18);
    await (await actionMenu(page)).locator('.monaco-list-row', { hasText: 'Try this fix on a copy' }).click();
    await findings.locator('.monaco-list-row[aria-label*="fix verified"]', { hasText: 'subtotl' }).waitFor({ timeout: 120_000 });
    await filter('With a verified fix');
    await findings.getByText('1 of 1 shown').waitFor();
    await filter();
    await openFile(page, 'shop/basket.py', 13, 18);
    const menu = await actionMenu(page);
    await menu.locator('.monaco-list-row', { hasText: /subtotal.*verified: 2 tests pass/ }).waitFor();
    await shoot(page, 'verified');
    await page.keyboard.press('Escape');
    await menu.waitFor({ state: 'hidden' });
    const text = fs.readFileSync(path.join(workspace, 'shop/basket.py'), 'utf8');
    expect(text.includes('round(subtotl, 2)'), 'only the copy is changed');
  });
  await check('Test Results hold the cause', async () => {
    await command(page, 'Test Results: Focus on Test Results View');
    const results = page.locator('.test-output-peek, .panel').filter({ hasText: 'test_empty_basket_costs_nothing' }).first();
    await results.waitFor();
    await results.getByText('Root cause').first().waitFor();
    await results.locator('.xterm-rows', { hasText: 'Root cause (shop/basket.py:13)' }).waitFor();
    await shoot(page, 'test-results');
  });
  await check('a message of Test Results points to the culprit', async () => {
    await openFile(page, 'shop/basket.py', 13, 18);
    const message = page.locator('.monaco-editor .test-error-content-widget:visible', { hasText: 'Root cause: ' });
    await message.waitFor();
    const line = page.locator('.monaco-editor .view-line', { hasText: 'return round(subtotl' });
    const [at, where] = [await message.boundingBox(), await line.boundingBox()];
    expect(Math.abs(at.y + at.height / 2 - where.y - where.height / 2) < where.height / 2, `${at.y} is not ${where.y}`);
  });
  await check('a setting applies without a restart', async () => {
    await openFile(page, 'shop/basket.py', 13, 18);
    code.set({ 'failscope.severity': 'warning' });
    await page.locator('.monaco-editor .squiggly-warning').first().waitFor();
    code.set({ 'failscope.severity': 'error' });
    await squiggles(page).first().waitFor();
  });
  await check('a finding is stale as long as its code is another', async () => {
    const stale = findings.locator('.monaco-list-row[aria-label*="stale"]');
    await openFile(page, 'shop/basket.py', 13, 22);
    await page.keyboard.type('x');
    await stale.waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Z');
    await page.locator('.view-line', { hasText: 'round(subtotl,' }).waitFor();
    await stale.waitFor({ state: 'detached' });
    await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
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
  await check('the report opens in a browser that is not where the server is', async () => {
    const opened = page.context().waitForEvent('page');
    await command(page, 'Failscope: Open Report in Browser');
    const report = await opened;
    await report.locator('body', { hasText: 'subtotl' }).waitFor();
    expect(/^http:\/\/127\.0\.0\.1:\d+\/proxy\/\d+\/[0-9a-f]{48}\/rca_report\.html$/.test(report.url()), report.url());
    await report.screenshot({ path: path.join(artefacts, 'report-browser.png') });
    // The way there is the editor's. Nothing else is served, and nobody guesses the name.
    for (const other of [report.url().replace(/\/[0-9a-f]{48}/, ''), report.url().replace(/[0-9a-f]{48}/, '0'.repeat(48)), new URL('..', report.url()).href]) {
      const answer = await page.context().request.get(other);
      expect(answer.status() === 404, `${other}: ${answer.status()}`);
    }
    await report.close();
  });
  await check('the quick fix mends the file', async () => {
    await openFile(page, 'shop/basket.py', 13, 18);
    const menu = (await actionMenu(page)).locator('.monaco-list-row', { hasText: 'subtotal' }).first();
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
  await check('the palette offers only what there is something to do for', async () => {
    const offered = await palette(page, 'Failscope: ');
    expect(offered.includes('Failscope: Analyze Test Results'), `${offered}`);
    const none = ['Copy Finding', 'Filter Findings', 'Clear Findings', 'Run What Failed', 'Preview Fix', 'Show Finding'];
    expect(!offered.some((row) => none.some((name) => row.includes(name))), `${offered}`);
  });
});

await scene('wrong-path', { extra: { 'failscope.path': '/nonexistent/failscope' } }, async (page) => {
  await check('a wrong binary path gives a message', async () => {
    await openFile(page, 'test_basket.py');
    await page.locator('.notification-toast', { hasText: '/nonexistent/failscope' }).first().waitFor();
    await page.locator('.notification-toast .monaco-button', { hasText: 'Open Settings' }).first().waitFor();
    const offered = await palette(page, 'Failscope: ');
    const ours = offered.filter((row) => row.startsWith('Failscope: ')).sort().join();
    expect(ours === 'Failscope: Restart Server,Failscope: Show Output', ours);
  });
});

const tooOld = (work) => {
  const file = path.join(work, 'old-failscope');
  fs.writeFileSync(file, '#!/bin/sh\necho failscope 0.0.9\n', { mode: 0o755 });
  return { extra: { 'failscope.path': file } };
};
await scene('too-old', { prepare: tooOld }, async (page) => {
  await check('a binary that is too old gives a message', async () => {
    await openFile(page, 'test_basket.py');
    await page.locator('.notification-toast', { hasText: 'is version 0.0.9; at least 0.1.0 is needed' }).first().waitFor();
  });
});

let onPath;
const emptyPath = (work) => {
  onPath = path.join(work, 'on-path');
  fs.mkdirSync(onPath);
  // As it is when started from a command line: else the variables are those of a login shell.
  const environment = { PATH: [onPath, '/usr/bin', '/bin'].join(path.delimiter), VSCODE_CLI: '1' };
  return { vsix: withoutBinary(work), environment };
};
await scene('no-binary', { prepare: emptyPath }, async (page) => {
  await check('where there is no binary a message says where it was looked for', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    const toast = page.locator('.notification-toast', { hasText: 'The failscope binary was not found. Tried PATH: failscope' });
    await toast.first().waitFor();
    expect((await squiggles(page).count()) === 0, 'squiggles without a server');
    await toast.locator('.monaco-button', { hasText: 'How to Install' }).first().click();
    await page.locator('.getting-started-step', { hasText: 'Install the binary' }).waitFor();
    await page.getByText('pip install .').first().waitFor();
    await shoot(page, 'how-to-install');
  });
  await check('one that comes onto PATH is found by a restart', async () => {
    fs.symlinkSync(process.env.FAILSCOPE_TEST_BINARY, path.join(onPath, 'failscope'));
    await command(page, 'Failscope: Restart Server');
    await openFile(page, 'test_basket.py', 5, 12);
    await squiggles(page).first().waitFor();
  });
});

const twoRoots = (work, workspace) => {
  const second = path.join(work, 'market');
  fs.cpSync(workspace, second, { recursive: true });
  const file = path.join(work, 'both.code-workspace');
  fs.writeFileSync(file, JSON.stringify({ folders: [{ path: workspace }, { path: second }] }));
  return { workspace: file };
};
await scene('multi-root', { prepare: twoRoots }, async (page) => {
  await check('a workspace with two folders shows the findings of both', async () => {
    await page.locator('.explorer-folders-view', { hasText: 'market' }).waitFor();
    await page.locator('.statusbar-item', { hasText: '4 failures, 2 causes' }).waitFor();
    await command(page, 'Testing: Focus on Failscope Findings View');
    const rows = findingsPane(page).locator('.monaco-list-row', { hasText: 'subtotl' });
    await rows.nth(1).waitFor();
    expect((await rows.count()) === 2, `${await rows.count()} rows`);
  });
});

await scene('restricted', { trust: true, record: true }, async (page) => {
  await check('Restricted Mode shows findings and offers no run', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await squiggles(page).first().waitFor();
    const menu = await actionMenu(page);
    const text = await menu.innerText();
    expect(!/run|try/i.test(text), `offered: ${text}`);
    await page.keyboard.press('Escape');
    const commands = await palette(page, 'Failscope: ');
    expect(commands.includes('Failscope: Show Finding'), `${commands}`);
    expect(!commands.some((row) => /Run What Failed|Preview Fix/.test(row)), `${commands}`);
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

end();
