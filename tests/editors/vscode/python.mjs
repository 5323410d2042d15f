// usage: node python.mjs VSIX PYTHON ARTEFACTS
// Beside the Python extension. The real one cannot be had from a package registry: a stand-in with its identifier gives
// what ours uses or meets of it: the environments API, and a test controller and diagnostics of its own.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, openFile } from './code.mjs';
import { check, end, expect, logged, python, recording, runPytest, scene, shoot, squiggles, withoutBinary } from './stage.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

/** Packages the stand-in; gives its VSIX. */
function standIn(work) {
  const folder = path.join(work, 'ms-python');
  fs.mkdirSync(folder);
  const manifest = {
    name: 'python', publisher: 'ms-python', version: '2026.1.0', engines: { vscode: '^1.90.0' }, main: './main.js',
    activationEvents: ['onLanguage:python'],
    contributes: { configuration: { properties: { 'python.defaultInterpreterPath': { type: 'string', default: 'python' } } } },
  };
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(path.join(folder, 'README.md'), 'A stand-in for tests.');
  fs.copyFileSync(path.join(here, 'ms-python.cjs'), path.join(folder, 'main.js'));
  const out = path.join(work, 'ms-python.vsix');
  const vsce = path.join(here, '../../../editors/vscode/node_modules/@vscode/vsce/vsce');
  const args = [vsce, 'package', '--no-dependencies', '--skip-license', '--allow-missing-repository', '--out', out];
  execFileSync('node', args, { cwd: folder, stdio: 'pipe' });
  return out;
}

/** Waits until a message holds `text`. */
async function recorded(text) {
  for (let tries = 0; tries < 300; tries += 1) {
    if (fs.readFileSync(recording('beside-python'), 'utf8').includes(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no message holds ${text}`);
}

const prepare = (work) => ({ also: [standIn(work)], extra: { 'python.defaultInterpreterPath': python } });
await scene('beside-python', { prepare, record: true, environment: { VIRTUAL_ENV: '' } }, async (page, _, code) => {
  await check('its interpreter is used', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await page.locator('.statusbar-item', { hasText: '2 failures, 1 cause' }).waitFor();
    await page.locator('.statusbar-item', { hasText: `stand-in ${python}` }).waitFor();
    await command(page, 'Failscope: Run What Failed Last');
    await recorded('"exitCode":1,"failed":2');
    await recorded(`"python":${JSON.stringify(python)}`);
  });
  await check('another interpreter is told as well', async () => {
    code.set({ 'python.defaultInterpreterPath': '/usr/bin/python3' });
    await recorded('"result":[{"python":"/usr/bin/python3"}]');
    code.set({ 'python.defaultInterpreterPath': python });
  });
  await check('the failing line has its diagnostic and ours, each once', async () => {
    await command(page, 'Problems: Focus on Problems View');
    // The list draws only the rows that there is room for.
    await command(page, 'View: Toggle Maximized Panel');
    const rows = page.locator('.markers-panel .monaco-list-row');
    const theirs = rows.filter({ hasText: 'stand-in' });
    await theirs.first().waitFor();
    const mine = rows.filter({ hasText: 'failscope' }).filter({ hasText: 'NameError' });
    await mine.first().waitFor();
    const texts = await rows.allInnerTexts();
    expect((await theirs.count()) === 1, `theirs: ${texts.join('\n')}`);
    const here = texts.filter((text) => /Ln 5,/.test(text) && !text.includes('fails here'));
    expect(here.length === 2 && new Set(here).size === 2, `on line 5: ${here.join('\n')}`);
    expect(here.some((text) => text.includes('is probably meant')), 'ours adds the cause');
    await shoot(page, 'beside-python-problems');
    await command(page, 'View: Toggle Maximized Panel');
  });
  await check('only its tests are in the Test Explorer', async () => {
    await command(page, 'Testing: Focus on Test Explorer View');
    const tests = page.locator('.test-explorer .monaco-list-row');
    await tests.filter({ hasText: 'test_empty_basket_costs_nothing' }).first().waitFor();
    const texts = await tests.allInnerTexts();
    expect(texts.filter((text) => text.includes('test_empty_basket_costs_nothing')).length === 1, texts.join('\n'));
  });
  await check('with testResults on, ours are listed as well, and off again', async () => {
    const tests = page.locator('.test-explorer .monaco-list-row');
    code.set({ 'failscope.testResults': 'on' });
    await tests.filter({ hasText: 'Failscope' }).first().waitFor();
    code.set({ 'failscope.testResults': 'auto' });
    await tests.filter({ hasText: 'Failscope' }).first().waitFor({ state: 'detached' });
    const complaints = fs.readFileSync(recording('beside-python'), 'utf8').split('\n').filter((line) => line.includes('is not a setting'));
    expect(complaints.length === 0, complaints.join('\n'));
  });
});

const besideInterpreter = (work, workspace) => {
  fs.writeFileSync(path.join(workspace, 'tests/test_rebate.py'), 'def test_rebate():\n    price, rebate = 80, 15\n    assert price - rebate == 60\n');
  runPytest(workspace);
  const folder = path.join(work, 'environment/bin');
  fs.mkdirSync(folder, { recursive: true });
  fs.symlinkSync(python, path.join(folder, 'python'));
  fs.symlinkSync(process.env.FAILSCOPE_TEST_BINARY, path.join(folder, 'failscope'));
  return {
    vsix: withoutBinary(work), also: [standIn(work)], environment: { PATH: '/usr/bin:/bin', VIRTUAL_ENV: '' },
    extra: { 'python.defaultInterpreterPath': path.join(folder, 'python') },
  };
};
await scene('interpreter', { prepare: besideInterpreter }, async (page, _, code) => {
  await check('the binary in the environment of its interpreter is used', async () => {
    await openFile(page, 'test_basket.py', 5, 12);
    await squiggles(page).first().waitFor();
    await logged(code, 'environment/bin/failscope');
    await logged(code, '(the interpreter’s environment)');
  });
  await check('values stand behind the line that fails', async () => {
    await openFile(page, 'test_rebate.py', 3, 5);
    await page.locator('.monaco-editor .view-line', { hasText: 'price - rebate = (80 - 15)' }).waitFor();
    await shoot(page, 'inlay-hint');
  });
});

end();
