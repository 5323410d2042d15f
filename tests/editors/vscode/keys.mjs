// usage: node keys.mjs VSIX PYTHON ARTEFACTS
// The same person without a mouse, and with a screen reader; what else the extension brings: links, walkthrough, trace.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { actionMenu, channel, command, openFile, pointAt } from './code.mjs';
import { check, end, expect, findingsPane, logged, recording, runPytest, scene, shoot, squiggles } from './stage.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds against WCAG 2 (A, AA) in `frame`, below `part`. */
async function violations(frame, part) {
  await frame.evaluate(axe);
  const { violations: found, passes } = await frame.evaluate(
    (selector) => window.axe.run(selector, { runOnly: ['wcag2a', 'wcag2aa'] }),
    part,
  );
  expect(passes.length > 0, 'axe has looked at nothing');
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' ; ')}`).join('\n');
}

/** Puts the focus on the first row of the findings view. */
async function focusFindings(page) {
  await command(page, 'Testing: Focus on Failscope Findings View');
  const row = findingsPane(page).locator('.monaco-list:focus .monaco-list-row').first();
  // A view that was never open has no rows yet to put the focus on: then it is asked for once more.
  await findingsPane(page).locator('.monaco-list-row').first().waitFor();
  await command(page, 'Testing: Focus on Failscope Findings View');
  await row.waitFor();
  // The palette gives the focus back when it goes: keys that come before that are lost.
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  await page.keyboard.press('Home');
  await focusedRow(page).filter({ hasText: 'subtotl' }).waitFor();
}

const focusedRow = (page) => findingsPane(page).locator('.monaco-list:focus .monaco-list-row.focused');
/** The line that the cursor is on, as the status bar tells it. */
const atLine = (page, line) => page.locator('.statusbar-item', { hasText: new RegExp(`^Ln ${line},`) }).waitFor();

/** Five more runs in the history, an hour apart: enough for a grade. */
const grown = (work, workspace) => {
  const old = path.join(work, 'old');
  fs.mkdirSync(old);
  const report = fs.readFileSync(path.join(workspace, 'report.xml'), 'utf8');
  for (let run = 0; run < 5; run += 1) {
    const text = report.replace(/timestamp="[^"]*"/, `timestamp="2026-03-01T0${run}:00:00.000000+00:00"`);
    fs.writeFileSync(path.join(old, `${run}.xml`), text);
  }
  const said = execFileSync(process.env.FAILSCOPE_TEST_BINARY, ['history', 'import', old, '--root', workspace], { encoding: 'utf8' });
  if (said !== 'imported 5 runs\n') throw new Error(said);
};

await scene('keyboard', { record: true, prepare: (...all) => void grown(...all) }, async (page, workspace) => {
  await check('the findings view takes the focus, and arrows walk it', async () => {
    await page.locator('.statusbar-item', { hasText: '2 failures, 1 cause' }).waitFor();
    await focusFindings(page);
    await page.keyboard.press('ArrowRight');
    await findingsPane(page).locator('.monaco-list-row', { hasText: 'test_empty_basket' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await focusedRow(page).filter({ hasText: '::test_' }).waitFor();
    await shoot(page, 'keyboard-findings');
    await page.keyboard.press('Home');
  });
  await check('rows have labels, with the grade, and axe finds nothing in the view', async () => {
    await findingsPane(page).locator('.monaco-list-row.focused[aria-label*="grade F"]').waitFor();
    const label = await focusedRow(page).getAttribute('aria-label');
    expect(/^(critical|high|medium|low): .*subtotl.* 2 failures · grade F/.test(label), `label: ${label}`);
    await findingsPane(page).evaluate((pane) => pane.setAttribute('data-test', 'findings'));
    const found = await violations(page, '[data-test=findings] .pane-body');
    expect(found === '', found);
  });
  await check('the status bar item says what it is', async () => {
    const label = await page.locator('.statusbar-item', { hasText: '2 failures' }).locator('a').getAttribute('aria-label');
    expect(label === 'Failscope: 2 failures, 1 cause', `label: ${label}`);
  });
  await check('lens and hover tell grade, recent runs and verdict', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await page.locator('.codelens-decoration', { hasText: 'F ✗✗✗✗✗✗ Broken' }).first().waitFor();
    await page.locator('.codelens-decoration', { hasText: 'A ✓✓✓✓✓✓ Stable' }).waitFor();
    await pointAt(page, 'total');
    await page.locator('.monaco-hover:visible', { hasText: /History: grade F, Broken ✗✗✗✗✗✗/ }).first().waitFor();
    await shoot(page, 'grade');
    await page.keyboard.press('Escape');
  });
  await check('the filter is chosen by keys', async () => {
    await command(page, 'Failscope: Filter Findings');
    const pick = page.locator('.quick-input-widget', { hasText: 'Show only findings that are' });
    await pick.waitFor();
    await page.keyboard.type('fix that can');
    await pick.locator('.monaco-list-row', { hasText: 'With a fix that can be applied' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await findingsPane(page).getByText('1 of 1 shown: with a fix that can be applied').waitFor();
  });
  await check('the menu of a finding opens by keys', async () => {
    await focusFindings(page);
    await page.keyboard.press('Shift+F10');
    const menu = page.locator('.monaco-menu');
    await menu.getByRole('menuitem', { name: 'Preview Fix' }).waitFor();
    await menu.getByRole('menuitem', { name: 'Copy Finding for an Assistant' }).waitFor();
    await page.keyboard.press('Escape');
    await menu.waitFor({ state: 'detached' });
  });
  await check('Enter opens the place of the cause', async () => {
    await focusFindings(page);
    await page.keyboard.press('Enter');
    await page.locator('.tab.active[data-resource-name="basket.py"]').waitFor();
    await atLine(page, 13);
  });
  await check('a finding is copied by keys', async () => {
    await command(page, 'Failscope: Copy Finding for an Assistant');
    await page.locator('.statusbar-item', { hasText: 'Finding copied' }).waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    for (const part of ['Root cause (', 'Where: shop/basket.py:13', 'Evidence: ', 'Suggested fix: ', 'Failing: tests/test_basket.py::test_empty']) {
      expect(text.includes(part), `no ${part}: ${text}`);
    }
  });
  await check('the report in its tab is readable for all', async () => {
    await command(page, 'Failscope: Show Report');
    await page.locator('.tab.active', { hasText: 'Failscope Report' }).waitFor();
    const inner = page.frameLocator('iframe.webview').first().frameLocator('iframe').first();
    await inner.locator('body', { hasText: 'subtotl' }).waitFor();
    const element = await inner.locator('html').elementHandle();
    const found = await violations(await element.ownerFrame(), 'body');
    expect(found === '', found);
    await page.keyboard.press('Control+F4');
  });
  await check('the code of a problem leads to its finding', async () => {
    await command(page, 'Problems: Focus on Problems View');
    const link = page.locator('.markers-panel .monaco-list-row', { hasText: 'subtotl' }).locator('a.monaco-link').first();
    await link.waitFor();
    await link.click();
    await focusedRow(page).filter({ hasText: 'subtotl' }).waitFor();
  });
  await check('the hover has links of our own, and they work', async () => {
    await openFile(page, 'shop/basket.py', 13, 18);
    await squiggles(page).first().waitFor();
    await pointAt(page, 'subtotl');
    const hover = page.locator('.monaco-hover:visible', { hasText: 'Show the finding' }).first();
    await hover.waitFor();
    const links = await hover.locator('a[data-href^="command:"]').allInnerTexts();
    expect(links.includes('Open the report') && links.includes('Copy for an assistant'), `${links}`);
    await hover.getByText('Show the finding').click();
    await focusedRow(page).filter({ hasText: 'subtotl' }).waitFor();
  });
  await check('the fix is applied and saved by keys', async () => {
    await openFile(page, 'shop/basket.py', 13, 18);
    const menu = await actionMenu(page);
    const row = menu.locator('.monaco-list-row.focused');
    for (let steps = 0; steps < 20 && !/Change .subtotl. to .subtotal/.test(await row.innerText()); steps += 1) {
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
    await page.locator('.view-line', { hasText: 'round(subtotal,' }).waitFor();
    await page.keyboard.press('Control+S');
    await page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    const text = fs.readFileSync(path.join(workspace, 'shop/basket.py'), 'utf8');
    expect(text.includes('return round(subtotal, 2)'), text);
    expect(runPytest(workspace) === 0, 'pytest must pass');
    await squiggles(page).first().waitFor({ state: 'detached' });
  });
});

const settle = (_, workspace) => fs.appendFileSync(path.join(workspace, 'pyproject.toml'), '\n[tool.failscope]\nseverity = "warning"\n');

await scene('about', { record: true, prepare: (...all) => void settle(...all) }, async (page, _, code) => {
  await check('the settings of the project hold where the editor has none', async () => {
    await openFile(page, 'shop/basket.py', 13, 18);
    await page.locator('.monaco-editor .squiggly-warning').first().waitFor();
    await page.locator('.statusbar-item', { hasText: '2 failures, 1 cause' }).waitFor();
    expect((await squiggles(page).count()) === 0, 'an error, though the project says warning');
  });
  const traces = () => fs.readFileSync(recording('about'), 'utf8').split('\n').filter((line) => /setTrace/.test(line));
  /** Waits until the server has been told to trace this much. */
  const traced = async (much) => {
    for (let tries = 0; tries < 300 && !traces().some((line) => line.includes(`"${much}"`)); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(traces().some((line) => line.includes(`"${much}"`)), `${traces()}`);
  };
  await check('the log level Trace of the output channel switches the tracing of messages on', async () => {
    await channel(page, 'Failscope');
    await command(page, 'Failscope: Show Output');
    await page.locator('.panel .output-view-content, .panel .monaco-editor').first().waitFor();
    expect(!traces().some((line) => /"messages"|"verbose"/.test(line)), 'messages are traced unasked');
    await command(page, 'Developer: Set Log Level...');
    const pick = page.locator('.quick-input-widget');
    await pick.locator('.monaco-list-row', { hasText: 'Failscope' }).first().click();
    await pick.locator('.monaco-list-row', { hasText: 'Trace' }).first().click();
    await traced('messages');
  });
  await check('the output channel gets the messages, and with verbose what is in them', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await logged(code, "Sending notification 'textDocument/didOpen'");
    await logged(code, "Received response 'textDocument/");
    code.set({ 'failscope.trace.server': 'verbose' });
    await traced('verbose');
    await command(page, 'Failscope: Analyze Test Results');
    await logged(code, 'Params: {');
    await command(page, 'Failscope: Show Output');
    await page.locator('.part.panel .view-line').first().waitFor();
    await shoot(page, 'trace-verbose');
  });
  // Last, since the walkthrough takes the focus when its page is there.
  await check('the walkthrough has its three steps', async () => {
    await page.locator('.statusbar-item', { hasText: '2 failures, 1 cause' }).waitFor();
    await command(page, 'Welcome: Open Walkthrough...');
    const pick = page.locator('.quick-input-widget');
    await pick.locator('input').fill('root causes');
    await pick.locator('.monaco-list-row', { hasText: 'Find root causes with Failscope' }).click();
    const steps = page.locator('.getting-started-step');
    for (const title of ['Run your tests', 'Read the cause', 'Apply the fix']) await steps.filter({ hasText: title }).waitFor();
    expect((await steps.count()) === 3, `${await steps.count()} steps`);
    await shoot(page, 'walkthrough');
  });
});

end();
