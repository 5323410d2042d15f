// usage: node package.mjs [BINARY [TARGET]]   One VSIX for one platform, with the binary inside: failscope.vsix.
// Without arguments: the release build of this checkout, which is made first, for the platform it is built for.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** What vsce calls the platform of an executable, from its header: ELF, Mach-O or PE. */
function platformOf(file) {
  const head = Buffer.alloc(4096);
  const handle = fs.openSync(file, 'r');
  fs.readSync(handle, head, 0, head.length, 0);
  fs.closeSync(handle);
  const name = (system, machines, machine) => {
    if (!machines[machine]) throw new Error(`${file} is for a machine that VS Code does not run on`);
    return `${system}-${machines[machine]}`;
  };
  if (head.toString('latin1', 0, 4) === '\x7fELF') return name('linux', { 62: 'x64', 183: 'arm64', 40: 'armhf' }, head.readUInt16LE(18));
  if (head.readUInt32LE(0) === 0xfeedfacf) return name('darwin', { 0x01000007: 'x64', 0x0100000c: 'arm64' }, head.readUInt32LE(4));
  if (head.toString('latin1', 0, 2) === 'MZ') {
    const at = head.readUInt32LE(0x3c) + 4;
    return name('win32', { 0x8664: 'x64', 0xaa64: 'arm64' }, at + 2 <= head.length ? head.readUInt16LE(at) : 0);
  }
  throw new Error(`${file} is not an executable`);
}

/** Makes the release build of this checkout; gives where it is. */
function release() {
  execFileSync('cargo', ['build', '--release', '--locked', '--manifest-path', '../../Cargo.toml'], { stdio: 'inherit' });
  const name = process.platform === 'win32' ? 'failscope.exe' : 'failscope';
  return path.join(process.env.CARGO_TARGET_DIR ?? '../../target', 'release', name);
}

const binary = process.argv[2] ?? release();
const found = platformOf(binary);
const target = process.argv[3] ?? found;
// Alpine's is a Linux binary too, linked with musl.
if (target !== found && target.replace('alpine', 'linux') !== found) throw new Error(`${binary} is for ${found}, not for ${target}`);
fs.rmSync('bin', { recursive: true, force: true });
fs.mkdirSync('bin');
const copy = `bin/${target.startsWith('win32') ? 'failscope.exe' : 'failscope'}`;
fs.copyFileSync(binary, copy);
fs.chmodSync(copy, 0o755);
execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
const args = ['--no-install', 'vsce', 'package', '--no-dependencies', '--out', 'failscope.vsix', '--target', target, '--allow-missing-repository'];
execFileSync('npx', args, { stdio: 'inherit' });
