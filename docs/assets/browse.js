// The browse page: reads the address, asks the index, draws. Without it every paper is listed by family.
import { Index } from "./browse-index.js";
import { emptyState, readState, writeState } from "./browse-state.js";
import { row } from "./browse-rows.js";
import { element } from "./elements.js";
import { addBar, basket } from "./browse-basket.js";
import { fetchFor, fetchText } from "./search-index.js";

const CHUNK = 200;
const page = document.getElementById("browse-page");
const { root } = page.dataset;
const one = (selector) => page.querySelector(selector);
const all = (selector) => [...page.querySelectorAll(selector)];

// Last in the source, so that the table is painted first; in the order of reading they follow the search.
one(".browse-search").after(one(".browse-facets"));

const search = one("input[name=text]");
const body = one(".browse-rows tbody");
const table = one(".browse-table");
const FIRST = body.rows.length;
const status = one(".browse-status");
const more = one(".browse-more");
const term = one(".browse-term");
const active = one(".browse-active");
const withSummaries = one("input[name=summaries]");
const years = { from: one("select[name=year-from]"), to: one("select[name=year-to]") };
const options = all(".browse-facets input").map((input) => ({
  input,
  item: input.closest("li"),
  count: input.closest("label").querySelector(".browse-count"),
  label: input.closest("label").querySelector(".browse-name").textContent,
}));
const labels = new Map(options.map(({ input, label }) => [`${input.name} ${input.value}`, label]));
const names = (facet, word) => labels.get(`${facet} ${word}`) ?? word;

let index;
let state = emptyState();
let ids = [];
let found = null;
let shown = 0;
let showCounts = () => {};

start().catch((error) => {
  status.textContent = `The list could not be loaded (${error.message}). Every paper is listed below by family.`;
  page.classList.add("browse--failed");
});

async function start() {
  index = new Index(JSON.parse(await fetchText(`${root}browse/entries.json`)));
  state = readState(location.search, index);
  putIntoForm();
  if (location.search || history.state?.shown) update(history.state?.shown);
  else adopt();
  // It may still be on its way; the stylesheet hides it meanwhile.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => one(".browse-static").remove());
  else one(".browse-static").remove();
  listen();
  addBar(root);
  one(".browse-take-open").addEventListener("click", openPanel, { once: true });
}

// Most readers neither cite nor download: the module comes with the first click, which then opens the panel.
async function openPanel({ currentTarget: opener }) {
  try {
    const { fillPanel } = await import("./browse-export.js");
    showCounts = fillPanel(one("#browse-take"), opener, root, [
      { label: "All that match", keys: () => ids.map((id) => index.key(id)), address: () => location.href },
      { label: "The selection", keys: () => basket.keys, address: () => `${root}compare/?ids=${basket.keys.join(",")}` },
    ]);
    opener.click();
  } catch {
    opener.addEventListener("click", openPanel, { once: true }); // the next click tries again
  }
}

// The rows that came with the page are those of an empty query.
function adopt() {
  ids = index.query(state).ids;
  shown = FIRST;
  for (const tick of body.querySelectorAll("input")) tick.checked = basket.has(tick.dataset.key);
}

function update(rows = FIRST) {
  if (state.q || state.summaries) load();
  const answer = index.query(state);
  ({ ids, found } = answer);
  const { counts } = answer;
  for (const { input, item, count } of options) {
    const facet = index.facets.get(input.name);
    const number = counts.get(input.name)[facet.place.get(input.value)] ?? 0;
    count.textContent = number;
    item.classList.toggle("is-empty", !number && !input.checked);
  }
  const byYear = new Map(index.years.words.map((year, place) => [year, counts.get("year")[place]]));
  for (const select of Object.values(years))
    for (const option of select.options) if (option.value) option.textContent = `${option.value} (${byYear.get(option.value) ?? 0})`;
  status.textContent = summary();
  showTerm();
  showActive();
  showSort();
  shown = 0;
  body.replaceChildren();
  table.hidden = !ids.length;
  one(".browse-none").hidden = ids.length > 0;
  draw(rows);
  showCounts();
}

function draw(count) {
  const given = { root, names, basket, marks: found?.marks, concepts: found?.concepts ?? new Set(), summaries: state.summaries };
  body.append(...ids.slice(shown, shown + count).map((id) => row(index, id, given)));
  shown = Math.min(ids.length, shown + count);
  more.hidden = shown >= ids.length;
  more.textContent = `Show more (${(ids.length - shown).toLocaleString("en")} remaining)`;
}

function summary() {
  const total = index.size.toLocaleString("en");
  if (ids.length === index.size) return `${total} entries`;
  const number = `${ids.length.toLocaleString("en")} of ${total} entries`;
  if (!found?.most || found.most === found.asked) return number;
  return `${number}. No entry contains all ${found.asked} words; these contain ${found.most}.`;
}

// What the glossary says of a query that is a name of one of its terms.
function showTerm() {
  const at = (found?.term ?? -1) - index.size;
  term.hidden = at < 0;
  if (term.hidden) return;
  const { titles, texts, locations } = index.names;
  term.replaceChildren("Glossary: ", element("a", { href: root + locations[at] }, titles[at]), ` — ${texts[at]}`);
}

// Names and summaries come with the first words, or when summaries are to be shown.
let loading = null;
function load() {
  if (loading || (index.summaries && (index.names || !state.q))) return;
  const asked = [];
  const get = (name, add) => asked.push(fetchFor(index.stamp, `${root}${name}.json`).then(add));
  if (!index.summaries) get("browse/summaries", (document) => index.addSummaries(document));
  if (state.q && !index.names) get("search/index", (document) => index.addNames(document));
  loading = Promise.all(asked)
    .then(() => {
      loading = null;
      update(Math.max(shown, FIRST));
    })
    .catch(() => (loading = null)); // titles, names and authors are still searched; the next query tries again
}

function showSort() {
  const sort = state.sort || (state.q ? "" : "newest");
  const down = { newest: true, added: true };
  for (const head of all("th[data-sort]")) {
    const name = head.dataset.sort;
    if (sort.replace("-", "") !== name) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", sort.startsWith("-") === Boolean(down[name]) ? "ascending" : "descending");
  }
}

function showActive() {
  const chips = [];
  const chip = (text, label, act) => {
    const button = element("button", { type: "button", "aria-label": `Remove ${label}: ${text}` }, `${text} ×`);
    button.addEventListener("click", () => {
      const place = [...active.querySelectorAll("button")].indexOf(button);
      change(act);
      // Focus stays in the list, or goes to what follows it.
      const left = active.querySelectorAll("button");
      (left[Math.min(place, left.length - 1)] ?? search).focus();
    });
    chips.push(element("li", {}, button));
  };
  for (const [name, facet] of index.facets) {
    const words = state.facets.get(name) ?? new Set();
    const label = one(`[data-facet=${name}] summary`)?.textContent ?? name;
    for (const word of facet.words.filter((held) => words.has(held)))
      chip(names(name, word), label, () => {
        words.delete(word);
        if (!words.size) state.facets.delete(name);
      });
  }
  const [from, to] = state.year;
  if (from || to) chip(from === to ? from : from && to ? `${from}–${to}` : from ? `since ${from}` : `until ${to}`, "Year", () => (state.year = ["", ""]));
  if (state.q && (state.facets.size || from || to)) chip(`“${state.q.trim()}”`, "Search", () => (state.q = ""));
  if (chips.length > 1) {
    const clear = element("button", { type: "button", class: "browse-clear" }, "Clear all");
    chips.push(element("li", {}, clear));
  }
  active.replaceChildren(...chips);
}

function putIntoForm() {
  if (search.value.trim() !== state.q) search.value = state.q;
  for (const { input } of options) {
    input.checked = state.facets.get(input.name)?.has(input.value) ?? false;
    if (input.checked) input.closest("details").open = true;
  }
  [years.from.value, years.to.value] = state.year;
  withSummaries.checked = state.summaries;
}

function go(push) {
  const address = `${location.pathname}${writeState(state, index)}`;
  if (push) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

// A choice is a step that the back button takes back; typing is not.
function change(act) {
  act();
  go(true);
  putIntoForm();
  update();
}

function clear() {
  change(() => (state = { ...emptyState(), summaries: state.summaries }));
  search.focus();
}

function listen() {
  let frame = 0;
  search.addEventListener("focus", () => (window.requestIdleCallback ?? setTimeout)(() => index.prepare()), { once: true });
  search.addEventListener("input", () => {
    state.q = search.value;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      go(false);
      update();
    });
  });
  one("form").addEventListener("submit", (event) => event.preventDefault());
  for (const { input } of options)
    input.addEventListener("change", () =>
      change(() => {
        const words = state.facets.get(input.name) ?? new Set();
        if (input.checked) words.add(input.value);
        else words.delete(input.value);
        if (words.size) state.facets.set(input.name, words);
        else state.facets.delete(input.name);
      }),
    );
  for (const select of Object.values(years))
    select.addEventListener("change", () =>
      change(() => {
        let [from, to] = [years.from.value, years.to.value];
        if (from && to && from > to) [from, to] = select === years.from ? [from, from] : [to, to];
        state.year = [from, to];
      }),
    );
  withSummaries.addEventListener("change", () => change(() => (state.summaries = withSummaries.checked)));
  for (const head of all("th[data-sort]"))
    head.querySelector("button").addEventListener("click", () =>
      change(() => {
        const { sort } = head.dataset;
        const now = state.sort || (state.q ? "" : "newest");
        state.sort = now === sort ? `-${sort}` : sort === "newest" && !state.q ? "" : sort;
      }),
    );
  page.addEventListener("click", (event) => {
    if (event.target.closest(".browse-clear")) clear();
  });
  body.addEventListener("change", ({ target }) => basket.toggle(target.dataset.key, target.checked));
  basket.addEventListener("change", () => {
    for (const tick of body.querySelectorAll("input")) tick.checked = basket.has(tick.dataset.key);
    showCounts();
  });
  addEventListener("popstate", (event) => {
    state = readState(location.search, index);
    putIntoForm();
    update(event.state?.shown);
  });
  const toggle = one(".browse-toggle");
  toggle.addEventListener("click", () => {
    const open = one(".browse-facets").classList.toggle("is-open");
    toggle.setAttribute("aria-expanded", open);
  });
  more.addEventListener("click", () => {
    const first = shown;
    draw(CHUNK);
    history.replaceState({ shown }, ""); // so that coming back finds as many rows
    body.rows[first]?.querySelector("a").focus({ preventScroll: true });
  });
  addEventListener("beforeprint", () => draw(ids.length));
}
