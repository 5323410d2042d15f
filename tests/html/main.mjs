// All checks of the reports; see run.sh.
import { browserChecks } from "./browser.mjs";
import { schemaChecks } from "./schemas.mjs";

let passed = 0;
let failed = 0;

/** Runs one check and reports it; a check that throws has failed. */
async function check(name, run) {
  try {
    await run();
    passed += 1;
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll("\n", "\n      ")}`);
  }
}

await schemaChecks(check);
await browserChecks(check);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
