"use strict";
(() => {
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const list = $("findings");
  const said = $("said");
  let saidTimer = 0;
  const say = (text) => {
    said.textContent = text;
    said.classList.add("on");
    clearTimeout(saidTimer);
    saidTimer = setTimeout(() => said.classList.remove("on"), 1800);
  };

  $("theme").addEventListener("click", () => {
    const now = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  });
  if (!list) return;

  // One record per finding; the elements are looked up once.
  const findings = Array.from(list.children, (item, index) => ({
    item,
    index,
    details: item.firstElementChild,
    text: null,
    category: item.dataset.category,
    severity: item.dataset.severity,
    state: item.dataset.state.split(" "),
    file: item.dataset.file,
    tests: Number(item.dataset.tests),
    confidence: Number(item.dataset.confidence),
    flakiness: Number(item.dataset.flakiness),
  }));
  const byAnchor = new Map(findings.map((finding) => [finding.details.id, finding]));

  // In a long report the body of a finding is inert text, written and escaped by the program that made this
  // page, until the finding is opened. What findings have in common stands in one table, by number.
  const payload = (details) => details.querySelector(":scope > script");
  const pieces = JSON.parse($("pieces")?.textContent || "[]");
  const whole = (script) => script.textContent.replace(/<(\d+)>/g, (all, number) => pieces[number]);
  const fill = (details) => {
    const script = payload(details);
    if (!script) return;
    const body = document.createElement("div");
    body.className = "body";
    body.innerHTML = whole(script);
    script.replaceWith(body);
  };
  list.addEventListener("toggle", (event) => event.target.open && fill(event.target), true);

  const entities = { amp: "&", lt: "<", gt: ">", quot: '"' };
  const plain = (html) =>
    html.replace(/<[^>]*>/g, " ").replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) =>
      code ? String.fromCodePoint(Number(code)) : entities[name] || all);
  const textOf = (finding) => {
    if (finding.text === null) {
      const script = payload(finding.details);
      const rest = script ? plain(whole(script)) : finding.details.lastElementChild.textContent;
      finding.text = `${finding.details.firstElementChild.textContent} ${rest}`.toLowerCase();
    }
    return finding.text;
  };

  // The texts are made ready while nothing else is to do, so that the first search does not wait for all.
  const idle = globalThis.requestIdleCallback || ((run) => setTimeout(() => run({ timeRemaining: () => 8 }), 50));
  let ready = 0;
  const prepare = (deadline) => {
    while (ready < findings.length && deadline.timeRemaining() > 2) textOf(inOrder[ready++]);
    if (ready < inOrder.length) idle(prepare);
  };
  const inOrder = findings.slice();
  idle(prepare);

  const search = $("search");
  const category = $("category");
  const severity = $("severity");
  const file = $("file");
  const state = $("state");
  const sort = $("sort");
  const form = search.form;

  // Of many matches only the first are laid out; more come as the reader gets there.
  const STEP = 200;
  let visible = findings.slice();
  let limit = STEP;
  const more = $("more");
  const show = () => {
    visible.forEach((finding, at) => finding.item.classList.toggle("later", at >= limit));
    more.hidden = visible.length <= limit;
    more.firstElementChild.textContent = `Show more (${visible.length - limit} left)`;
  };
  const reveal = (at) => {
    if (at < limit) return;
    limit = (Math.floor(at / STEP) + 1) * STEP;
    show();
  };
  more.firstElementChild.addEventListener("click", () => reveal(limit));
  new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && reveal(limit), {
    rootMargin: "1200px",
  }).observe(more);

  // The texts of thousands of findings are searched a little at a time: the page answers meanwhile.
  const SLICE = 12;
  let applying = 0;
  const apply = () => {
    const mine = (applying += 1);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    let at = 0;
    const step = () => {
      if (mine !== applying) return;
      const until = words.length ? performance.now() + SLICE : Infinity;
      for (; at < findings.length && performance.now() < until; at += 1) {
        const finding = findings[at];
        const matches =
          (!category.value || finding.category === category.value) &&
          (!severity.value || finding.severity === severity.value) &&
          (!file.value || finding.file === file.value) &&
          (!state?.value || finding.state.includes(state.value)) &&
          words.every((word) => textOf(finding).includes(word));
        if (finding.item.hidden === matches) finding.item.hidden = !matches;
        if (matches) found.push(finding);
      }
      if (at < findings.length) {
        $("count").textContent = "Searching …";
        setTimeout(step);
        return;
      }
      visible = found;
      limit = STEP;
      show();
      $("count").textContent = `${visible.length} of ${findings.length} shown`;
      $("none").hidden = visible.length > 0;
    };
    step();
  };
  let applyTimer = 0;
  search.addEventListener("input", () => {
    clearTimeout(applyTimer);
    applyTimer = setTimeout(apply, findings.length > 500 ? 120 : 0);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(event, visible[0]);
  });
  for (const select of [category, severity, file, state]) select?.addEventListener("change", apply);

  const rank = { critical: 3, high: 2, medium: 1, low: 0 };
  const orders = {
    tests: (a, b) => b.tests - a.tests,
    severity: (a, b) => rank[b.severity] - rank[a.severity],
    confidence: (a, b) => b.confidence - a.confidence,
    stability: (a, b) => b.flakiness - a.flakiness,
    file: (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0),
    category: (a, b) => (a.category < b.category ? -1 : a.category > b.category ? 1 : 0),
  };
  const arrange = () => {
    const order = orders[sort.value];
    findings.sort((a, b) => order(a, b) || a.index - b.index);
    list.append(...findings.map((finding) => finding.item));
    apply();
  };
  sort.addEventListener("change", arrange);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(arrange));
  $("clear").addEventListener("click", () => {
    form.reset();
    search.focus();
  });

  // Opening thousands at once would freeze the page; a few per frame does not.
  let opening = 0;
  const setOpen = (open) => {
    const mine = (opening += 1);
    const todo = visible.slice();
    const step = () => {
      if (mine !== opening) return;
      for (const finding of todo.splice(0, 25)) {
        if (open) fill(finding.details);
        finding.details.open = open;
      }
      if (todo.length) requestAnimationFrame(step);
      else say(open ? "All expanded" : "All collapsed");
    };
    step();
  };
  $("expand").addEventListener("click", () => setOpen(true));
  $("collapse").addEventListener("click", () => setOpen(false));

  const move = (event, finding) => {
    if (!finding) return;
    event.preventDefault();
    reveal(visible.indexOf(finding));
    finding.details.firstElementChild.focus();
  };
  list.addEventListener("keydown", (event) => {
    if (event.target.tagName !== "SUMMARY" || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = visible.findIndex((finding) => finding.details === event.target.parentElement);
    if (event.key === "ArrowDown") move(event, visible[at + 1]);
    else if (event.key === "ArrowUp") at === 0 ? (event.preventDefault(), search.focus()) : move(event, visible[at - 1]);
    else if (event.key === "Home") move(event, visible[0]);
    else if (event.key === "End") move(event, visible[visible.length - 1]);
  });

  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(what);
  };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.classList.contains("link")) {
      const anchor = button.closest("details").id;
      history.replaceState(null, "", `#${anchor}`);
      copy(location.href, "Link copied");
    } else if (button.classList.contains("copy")) {
      const from = button.parentElement.querySelector(".copyable");
      const text = "ids" in button.dataset
        ? Array.from(from.querySelectorAll(".id"), (id) => id.textContent).join("\n")
        : from.textContent;
      copy(text, "Copied");
    }
  });

  const follow = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    const finding = byAnchor.get(name) || (name.length >= 12 && byAnchor.get(`f-${name.slice(0, 16)}`));
    if (!finding) return;
    if (finding.item.hidden) {
      form.reset();
      arrange();
    }
    reveal(visible.indexOf(finding));
    fill(finding.details);
    finding.details.open = true;
    finding.details.firstElementChild.focus({ preventScroll: true });
    finding.item.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", follow);
  show();
  follow();
  if (findings.length === 1) {
    fill(findings[0].details);
    findings[0].details.open = true;
  }

  // A printed report shows what is on the screen, opened.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = visible.slice(0, 200).filter((finding) => !finding.details.open);
    for (const { details } of closed) {
      fill(details);
      details.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const { details } of closed) details.open = false;
  });
})();
