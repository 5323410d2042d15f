// SARIF and CTRF against their schemas: CTRF's own, and one made from the TypeScript types of SARIF.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { createGenerator } from "ts-json-schema-generator";

const pages = process.env.PAGES;
const here = import.meta.dirname;
const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"));

function validator(schema) {
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  return (value) => (validate(value) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`));
}

export async function schemaChecks(check) {
  const sarif = validator(
    createGenerator({
      path: path.join(here, "node_modules/@types/sarif/index.d.ts"),
      type: "Log",
      skipTypeCheck: true,
      additionalProperties: false,
    }).createSchema("Log"),
  );
  const ctrf = validator(read(path.join(here, "node_modules/ctrf/dist/ctrf-schema-0.0.json")));
  for (const n of [0, 1, 35]) {
    await check(`SARIF of ${n} findings is valid`, () => {
      const log = read(`${pages}/${n}.sarif`);
      assert.deepEqual(sarif(log), []);
      assert.equal(log.runs[0].results.length, n);
      for (const result of log.runs[0].results) {
        assert.equal(log.runs[0].tool.driver.rules[result.ruleIndex].id, result.ruleId);
        assert.ok(!/[\s"<>\\^`{|}]/.test(result.locations[0].physicalLocation.artifactLocation.uri));
      }
    });
    await check(`CTRF of ${n} findings is valid`, () => {
      const report = read(`${pages}/${n}.ctrf.json`);
      assert.deepEqual(ctrf(report), []);
      assert.equal(report.results.summary.failed, report.results.tests.length);
    });
  }
  for (const [name, validate] of [["sarif", sarif], ["ctrf", ctrf]]) {
    await check(`${name.toUpperCase()} of arbitrary texts is valid`, () => {
      const lines = fs.readFileSync(`${pages}/arbitrary.${name}.jsonl`, "utf8").trimEnd().split("\n");
      assert.equal(lines.length, 100);
      for (const line of lines) assert.deepEqual(validate(JSON.parse(line)), [], line);
    });
  }
  await check("the schemas refuse what is wrong", () => {
    const log = read(`${pages}/1.sarif`);
    log.runs[0].results[0].level = "fatal";
    assert.notDeepEqual(sarif(log), []);
    const other = read(`${pages}/1.sarif`);
    other.runs[0].results[0].place = 1;
    assert.notDeepEqual(sarif(other), []);
    const report = read(`${pages}/1.ctrf.json`);
    report.results.tests[0].status = "broken";
    assert.notDeepEqual(ctrf(report), []);
  });
}
