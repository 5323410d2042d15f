// What VS Code writes its logs with is a native module, which is not compiled here: without it the output panel stays
// empty. This stands in for it: the same calls, plain files.
const fs = require('node:fs');
const path = require('node:path');

const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];

class Logger {
  constructor(file) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    this.file = file;
    this.level = 2;
    this.isPlain = false;
  }

  write(level, text) {
    if (level < this.level) return;
    const head = `${new Date().toISOString().replace('T', ' ').replace('Z', '')} [${LEVELS[level]}] `;
    fs.appendFileSync(this.file, this.isPlain ? text : `${head}${text}\n`);
  }

  trace(text) { this.write(0, text); }
  debug(text) { this.write(1, text); }
  info(text) { this.write(2, text); }
  warn(text) { this.write(3, text); }
  error(text) { this.write(4, text); }
  critical(text) { this.write(5, text); }
  getLevel() { return this.level; }
  setLevel(level) { this.level = level; }
  setPattern() { this.isPlain = false; }
  clearFormatters() { this.isPlain = true; }
  flush() {}
  drop() {}
}

const create = async (_name, file) => new Logger(file);
exports.version = 0;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.shutdown = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
