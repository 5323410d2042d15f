// usage: node check.mjs FOLDER…   Checks every recorded session (*.jsonl) below the folders.
import fs from 'node:fs';
import path from 'node:path';
import { validateSession } from './validate.mjs';
import { bad, good } from './controls.mjs';

let passed = 0;
let failed = 0;
const note = (ok, text) => {
  if (ok) passed += 1;
  else {
    failed += 1;
    console.log(`FAILED ${text}`);
  }
};

// The checker must itself be able to fail: each of these has one fault.
for (const [name, records] of Object.entries(good)) {
  const found = validateSession(records);
  note(found.length === 0, `control '${name}' is right but was rejected: ${found[0]}`);
}
for (const [name, records] of Object.entries(bad)) {
  note(validateSession(records).length > 0, `control '${name}' is wrong but was accepted`);
}

/** A server that was started again goes on in the same file: each `initialize` begins a session. */
function sessions(records) {
  const all = [];
  for (const record of records) {
    const begins = record.direction === 'in' && record.message.method === 'initialize';
    if (begins || all.length === 0) all.push([]);
    all.at(-1).push(record);
  }
  return all;
}

const files = process.argv.slice(2).flatMap((folder) =>
  fs.existsSync(folder)
    ? fs.readdirSync(folder, { recursive: true }).filter((f) => f.endsWith('.jsonl')).map((f) => path.join(folder, f))
    : [],
);
if (files.length === 0) note(false, 'no recorded session was found');
let messages = 0;
const methods = new Set();
for (const file of files) {
  const records = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  messages += records.filter((r) => r.direction === 'out').length;
  for (const record of records) if (record.direction === 'out' && record.message.method) methods.add(record.message.method);
  const found = sessions(records).flatMap(validateSession);
  note(found.length === 0, `${path.basename(file)}: ${found.slice(0, 5).join('\n  ')}`);
}
console.log(`${messages} server messages in ${files.length} sessions; server methods seen: ${[...methods].sort().join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
