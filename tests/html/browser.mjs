// The page in a real browser: it loads without errors and requests, is accessible, and its controls work by mouse
// and keyboard.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const pages = process.env.PAGES;
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = path.join(import.meta.dirname, "screenshots");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

function findChromium() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = process.env.PATH.split(path.delimiter);
  const found = [process.env.CHROMIUM, ...names.flatMap((name) => folders.map((folder) => path.join(folder, name)))]
    .find((file) => file && fs.existsSync(file));
  if (!found) throw new Error("no Chromium on PATH; install one (apt-get install chromium) or set CHROMIUM");
  return found;
}

export async function browserChecks(check) {
  fs.mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS });

  /** Opens a report; whatever it complains of or asks for is collected. */
  async function open(n, options = {}, hash = "") {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    const page = await context.newPage();
    const noise = [];
    page.on("console", (message) => noise.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => noise.push(`error: ${error.message}`));
    page.on("request", (request) => request.url().startsWith("file:") || noise.push(`request: ${request.url()}`));
    await page.goto(`file://${pages}/${n}.html${hash}`, { waitUntil: "load" });
    return { page, noise, done: () => context.close() };
  }
  const shown = (page) => page.locator("#findings > li:visible");
  const count = (page) => page.locator("#count").textContent();
  const focused = (page) => page.evaluate(() => document.activeElement.tagName);
  const violations = (page) => page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
  });

  for (const n of [0, 1, 35, 5000]) {
    for (const colorScheme of ["light", "dark"]) {
      await check(`${n} findings, ${colorScheme}: no noise, no axe violation`, async () => {
        // axe is put in by the test; the page's own policy would refuse it.
        const { page, noise, done } = await open(n, { colorScheme, bypassCSP: true });
        if (n === 5000) {
          const load = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
          // How long it takes depends on what else the machine does: it is printed, and read by people.
          console.log(`      loaded in ${Math.round(load)} ms`);
        }
        if (n) await page.locator("summary").first().click();
        if (n === 35) await page.locator("#expand").click();
        if (n === 35) await page.waitForFunction(() => document.querySelectorAll("details[open]").length >= 35);
        await page.screenshot({ path: `${shots}/${n}-${colorScheme}.png` });
        await page.addScriptTag({ path: axe });
        assert.deepEqual(await violations(page), []);
        assert.deepEqual(noise, []);
        await done();
      });
    }
  }

  await check("a page with its own policy: no noise, nothing hostile runs", async () => {
    const { page, noise, done } = await open(35);
    await page.locator("#expand").click();
    await page.waitForFunction(() => document.querySelectorAll("details[open]").length === 35);
    assert.deepEqual(noise, []);
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
    assert.equal(await page.locator("main img, main iframe, main script:not([type])").count(), 0);
    const links = await page.locator("a[href]").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    for (const href of links) assert.match(href, /^(#findings$|vscode:\/\/file\/home\/dev\/trips\/)/);
    // The policy holds: an inline script put in by a fault would not run.
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.hacked = 1";
      document.body.append(script);
    });
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
    await done();
  });

  await check("search and filters work by mouse", async () => {
    const { page, done } = await open(35);
    assert.equal(await shown(page).count(), 35);
    await page.locator("#search").fill("booking");
    await page.waitForFunction(() => /^7 of 35/.test(document.getElementById("count").textContent));
    assert.equal(await shown(page).count(), 7);
    await page.locator("button[type=reset]").click();
    await page.waitForFunction(() => /^35 of 35/.test(document.getElementById("count").textContent));
    await page.locator("#severity").selectOption("critical");
    assert.equal(await count(page), "8 of 35 shown");
    await page.locator("#category").selectOption("timeout");
    assert.equal(await shown(page).count(), Number((await count(page)).split(" ")[0]));
    await page.locator("button[type=reset]").click();
    await page.waitForFunction(() => /^35 of 35/.test(document.getElementById("count").textContent));
    await page.locator("#file").selectOption({ index: 1 });
    assert.match(await count(page), /^\d of 35 shown$/);
    await page.locator("#search").fill("no such thing");
    await page.locator("#none").waitFor();
    await page.locator("#clear").click();
    await page.waitForFunction(() => /^35 of 35/.test(document.getElementById("count").textContent));
    await done();
  });

  await check("sorting orders the findings", async () => {
    const { page, done } = await open(35);
    await page.locator("#sort").selectOption("severity");
    const rank = { critical: 3, high: 2, medium: 1, low: 0 };
    const severities = await shown(page).evaluateAll((all) => all.map((li) => li.dataset.severity));
    assert.equal(severities.length, 35);
    assert.ok(severities.every((s, i) => i === 0 || rank[severities[i - 1]] >= rank[s]), severities.join());
    await page.locator("#sort").selectOption("tests");
    const tests = await shown(page).evaluateAll((all) => all.map((li) => Number(li.dataset.tests)));
    assert.ok(tests.every((n, i) => i === 0 || tests[i - 1] >= n), tests.join());
    const numbers = [["confidence", "confidence"], ["stability", "flakiness"]];
    for (const [order, field] of numbers) {
      await page.locator("#sort").selectOption(order);
      const values = await shown(page).evaluateAll((all, name) => all.map((li) => Number(li.dataset[name])), field);
      assert.ok(new Set(values).size > 1 && values.every((n, i) => i === 0 || values[i - 1] >= n), values.join());
    }
    for (const field of ["file", "category"]) {
      await page.locator("#sort").selectOption(field);
      const values = await shown(page).evaluateAll((all, name) => all.map((li) => li.dataset[name]), field);
      assert.ok(new Set(values).size > 1 && values.every((text, i) => i === 0 || values[i - 1] <= text), values.join());
    }
    await done();
  });

  await check("what is new and what is flaky can be shown alone, with other filters and by keyboard", async () => {
    const { page, done } = await open(35);
    const states = () => shown(page).evaluateAll((all) => all.map((li) => li.dataset.state.split(" ")));
    for (const state of ["new", "flaky"]) {
      await page.locator("#state").selectOption(state);
      const found = await states();
      assert.ok(found.length > 0 && found.length < 35 && found.every((of) => of.includes(state)), String(found));
      assert.equal(await count(page), `${found.length} of 35 shown`);
      assert.equal(await shown(page).locator(state === "new" ? ".badge.fresh" : ".badge.flaky").count() >= found.length, true);
    }
    const flaky = (await states()).length;
    const severity = await shown(page).first().getAttribute("data-severity");
    await page.locator("#severity").selectOption(severity);
    const both = await states();
    assert.ok(both.length > 0 && both.length <= flaky);
    await page.locator("button[type=reset]").click();
    await page.waitForFunction(() => /^35 of 35/.test(document.getElementById("count").textContent));
    await page.locator("#state").focus();
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => !/^35 of 35/.test(document.getElementById("count").textContent));
    assert.ok((await states()).every((of) => of.includes("new")));
    await done();
  });

  await check("a finding shows the life of its test, and the page its history", async () => {
    const { page, done } = await open(35);
    await page.locator("#state").selectOption("flaky");
    await shown(page).first().locator("summary").click();
    const life = shown(page).first().locator(".life");
    await life.waitFor();
    assert.ok((await life.locator("svg rect").count()) > 1);
    assert.match(await life.textContent(), /failed in \d+ of|passed/);
    for (const title of ["Pass rate over runs", "Duration of runs", "Tests by grade"]) {
      const figure = page.locator("figure", { hasText: title });
      assert.ok((await figure.locator("svg").count()) === 1, title);
    }
    await done();
  });

  await check("everything can be done by keyboard", async () => {
    const { page, done } = await open(35);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.locator("#search").focus();
    await page.keyboard.type("station");
    await page.waitForFunction(() => /^7 of 35/.test(document.getElementById("count").textContent));
    await page.keyboard.press("ArrowDown");
    assert.equal(await focused(page), "SUMMARY");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("details[open]").count(), 1);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press(" ");
    assert.equal(await page.locator("details[open]").count(), 2);
    await page.keyboard.press("End");
    const last = await page.evaluate(() => document.activeElement.closest("li") === [...document.querySelectorAll("#findings > li:not([hidden])")].pop());
    assert.ok(last);
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowUp");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await done();
  });

  await check("a link to a finding opens it, also in a long report", async () => {
    const first = await open(5000);
    const anchor = await first.page.locator("#findings > li:nth-child(4321) > details").getAttribute("id");
    await first.done();
    const { page, noise, done } = await open(5000, {}, `#${anchor}`);
    const finding = page.locator(`#${anchor}`);
    assert.ok(await finding.evaluate((details) => details.open));
    await finding.locator("h3").first().waitFor();
    assert.ok(await finding.evaluate((details) => details.getBoundingClientRect().top < innerHeight));
    assert.deepEqual(noise, []);
    await done();
  });

  await check("a long report searches its closed details, and shows more on the way down", async () => {
    const { page, done } = await open(5000);
    assert.equal(await shown(page).count(), 200);
    const before = Date.now();
    await page.locator("#search").fill("test_length[4321-0-größe]");
    await page.waitForFunction(() => /^1 of 5000/.test(document.getElementById("count").textContent));
    console.log(`      first search in ${Date.now() - before} ms`);
    // Another search takes the place of one that goes on, and so does none.
    await page.locator("#search").fill("größe");
    await page.locator("#search").fill("test_length[4320-0-größe]");
    await page.waitForFunction(() => /^1 of 5000/.test(document.getElementById("count").textContent));
    assert.equal(await shown(page).count(), 1);
    await page.locator("button[type=reset]").click();
    await page.waitForFunction(() => /^5000 of 5000/.test(document.getElementById("count").textContent));
    await page.locator("#more").scrollIntoViewIfNeeded();
    await page.waitForFunction(() => document.querySelectorAll("#findings > li:not(.later)").length >= 400);
    await done();
  });

  await check("copy buttons copy", async () => {
    const { page, done } = await open(1, { permissions: ["clipboard-read", "clipboard-write"] });
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await page.locator("button[data-ids]").click();
    await page.waitForFunction(() => document.getElementById("said").textContent === "Copied");
    const ids = (await clipboard()).split("\n");
    assert.equal(ids.length, 21);
    assert.equal(ids[0], "tests/test_route_0.py::TestLength::test_length[0-0-größe]");
    await page.locator("button.link").click();
    await page.waitForFunction(() => document.getElementById("said").textContent === "Link copied");
    assert.match(await clipboard(), /^file:.*1\.html#f-[0-9a-f]{16}$/);
    await done();
  });

  await check("what is shown is what was found", async () => {
    const { page, done } = await open(35);
    const report = JSON.parse(fs.readFileSync(`${pages}/35.json`, "utf8"));
    await page.locator("#expand").click();
    await page.waitForFunction(() => document.querySelectorAll("details[open]").length === 35);
    const texts = await page.locator("#findings > li").evaluateAll((all) => all.map((li) => li.textContent));
    assert.equal(texts.length, report.analyses.length);
    report.analyses.forEach((finding, index) => {
      assert.ok(texts[index].includes(finding.fingerprint_hash));
      for (const test of finding.affected_tests) assert.ok(texts[index].includes(test), test);
      assert.ok(texts[index].includes(`${finding.affected_file}:${finding.affected_line}`));
    });
    await done();
  });

  await check("light and dark can be switched", async () => {
    const { page, done } = await open(1, { colorScheme: "light" });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.locator("#theme").click();
    assert.notEqual(await background(), light);
    await page.locator("#theme").click();
    assert.equal(await background(), light);
    await done();
  });

  await check("without JavaScript a short report shows everything", async () => {
    const { page, done } = await open(35, { javaScriptEnabled: false });
    assert.equal(await page.locator("#findings > li").count(), 35);
    assert.ok(await page.locator("#findings > li").nth(34).isVisible());
    assert.ok(!(await page.locator("#search").isVisible()));
    await page.locator("summary").first().click();
    assert.ok(await page.locator("pre.error").first().isVisible());
    await done();
  });

  await check("a narrow screen needs no sideways scrolling", async () => {
    const { page, done } = await open(35, { viewport: { width: 360, height: 740 } });
    await page.locator("#expand").click();
    await page.waitForFunction(() => document.querySelectorAll("details[open]").length === 35);
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= room, `${wide} > ${room}`);
    await page.screenshot({ path: `${shots}/35-narrow.png` });
    await done();
  });

  await check("printing opens the details", async () => {
    const { page, done } = await open(35);
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    assert.equal(await page.locator("details[open]").count(), 35);
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    assert.equal(await page.locator("details[open]").count(), 0);
    await page.emulateMedia({ media: "print" });
    await page.screenshot({ path: `${shots}/35-print.png` });
    await done();
  });

  await check("what is printed is dark on white, whatever the screen shows", async () => {
    for (const colorScheme of ["light", "dark"]) {
      const { page, done } = await open(1, { colorScheme });
      const bright = () => page.evaluate(() => {
        const [red, green, blue] = getComputedStyle(document.querySelector(".cause")).color.match(/\d+/g).map(Number);
        return (red + green + blue) / 3;
      });
      const screen = await bright();
      await page.locator("#theme").click();
      assert.ok(Math.abs((await bright()) - screen) > 100, "the theme is another");
      for (let themes = 0; themes < 2; themes += 1) {
        await page.emulateMedia({ media: "print" });
        assert.ok((await bright()) < 80, `${colorScheme}: ${await bright()}`);
        await page.emulateMedia({ media: "screen" });
        await page.locator("#theme").click();
      }
      await done();
    }
  });

  await check("what is written in charts can be read at every width", async () => {
    for (const width of [360, 720, 1200]) {
      const { page, done } = await open(35, { viewport: { width, height: 740 } });
      const texts = await page.locator("figure svg text").evaluateAll((all) =>
        all.map((text) => ({ tall: text.getBoundingClientRect().height, text: text.textContent, box: text.getBoundingClientRect(), room: text.ownerSVGElement.getBoundingClientRect() })));
      assert.ok(texts.length > 20);
      for (const { tall, text, box, room } of texts) {
        assert.ok(tall >= 11, `${width}: ${text} is ${tall} high`);
        assert.ok(box.right <= room.right + 1 && box.bottom <= room.bottom + 1 && box.top >= room.top - 1, `${width}: ${text} is cut`);
      }
      // Labels do not run into the bars.
      const over = await page.locator("figure svg").evaluateAll((all) => all.flatMap((svg) => {
        const rects = Array.from(svg.querySelectorAll("rect, circle"), (rect) => rect.getBoundingClientRect());
        return Array.from(svg.querySelectorAll("text")).filter((text) => {
          const box = text.getBoundingClientRect();
          return rects.some((r) => r.left < box.right - 1 && r.right > box.left + 1 && r.top < box.bottom - 4 && r.bottom > box.top + 4);
        }).map((text) => text.textContent);
      }));
      assert.deepEqual(over, [], `at ${width}`);
      // As a person gets there: what is above has other heights once it has been seen.
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
      await page.screenshot({ path: `${shots}/35-charts-${width}.png` });
      await done();
    }
  });

  await browser.close();
}
