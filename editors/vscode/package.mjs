// usage: node package.mjs [BINARY [TARGET]]   One VSIX for one platform, with the binary inside.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

const [binary, target] = process.argv.slice(2);
fs.rmSync('bin', { recursive: true, force: true });
if (binary) {
  fs.mkdirSync('bin');
  const name = target?.startsWith('win32') ? 'failscope.exe' : 'failscope';
  fs.copyFileSync(binary, `bin/${name}`);
  fs.chmodSync(`bin/${name}`, 0o755);
}
execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
const args = ['--no-install', 'vsce', 'package', '--no-dependencies', '--out', 'failscope.vsix'];
if (target) args.push('--target', target);
execFileSync('npx', args, { stdio: 'inherit' });
