// Entries side by side: ?ids=a,b,c in the address, or else the selection.
import { element } from "./elements.js";
import { addBar, basket, validKeys } from "./browse-basket.js";
import { entriesOf, fillPanel } from "./browse-export.js";
import { quantity } from "./quantity.js";
import { fetchText } from "./search-index.js";

const MOST = 12;
const page = document.getElementById("compare-page");
const { root } = page.dataset;
const one = (selector) => page.querySelector(selector);
const status = one(".browse-status");
const only = one("input[name=differing]");
const keep = one(".compare-keep");
const table = one(".compare-table");

const KINDS = { papers: "Paper", tools: "Tool", articles: "Article" };
// Heading and fields, in the order of an entry page; the first field that an entry has counts.
const FACTS = [
  ["Family", "family", "families"],
  ["Combined with", "combines"],
  ["Category", "category"],
  ["Sparsity", "sparsity"],
  ["Granularity", "granularity"],
  ["Criterion", "criterion"],
  ["Training", "training"],
  ["Architectures", "architectures"],
  ["Models", "models"],
  ["Topics", "topics"],
  ["Licence", "licence"],
  ["Languages", "languages"],
  ["Implements", "implements"],
  ["Builds on", "builds_on"],
  ["Authors", "authors"],
  ["Published by", "publisher"],
  ["First version", "date", "since"],
  ["Venue", "venue"],
  ["Code", "code", "repo"],
  ["Weights", "weights"],
  ["Status", "status"],
  ["Summary checked against", "checked"],
  ["Summary", "summary"],
];

let known; // key -> { kind, entry }
let terms;
let keys = [];
let missing = [];
let given = false; // whether the address names the entries

start().catch((error) => {
  one(".browse-bar").hidden = false;
  status.textContent = `The entries could not be loaded (${error.message}).`;
});

async function start() {
  read();
  const [entries, words] = await Promise.all([entriesOf(root), fetchText(`${root}browse/terms.json`)]);
  terms = JSON.parse(words);
  known = new Map();
  for (const kind of Object.keys(KINDS))
    for (const entry of entries[kind]) known.set(kind === "papers" ? entry.slug : `${kind.slice(0, -1)}:${entry.slug}`, { kind, entry });
  const showCounts = fillPanel(one("#compare-take"), one(".browse-take-open"), root, [
    { label: "These entries", keys: () => keys, address: () => address() },
  ]);
  only.addEventListener("change", draw);
  keep.addEventListener("click", () => basket.set([...basket.keys, ...keys]));
  basket.addEventListener("change", () => {
    if (!given) read();
    draw();
    showCounts();
  });
  addEventListener("popstate", () => {
    read();
    draw();
    showCounts();
  });
  draw();
  addBar(root);
}

const address = () => `${location.pathname}?ids=${keys.join(",")}`;

function read() {
  const ids = new URLSearchParams(location.search).get("ids");
  given = ids !== null;
  keys = given ? validKeys(ids.split(",")) : basket.keys;
}

function draw() {
  missing = keys.filter((key) => !known.has(key));
  const present = keys.filter((key) => known.has(key));
  const shown = present.slice(0, MOST);
  one(".browse-bar").hidden = !keys.length;
  one(".compare-none").hidden = shown.length > 0;
  table.hidden = !shown.length;
  keep.hidden = !given || present.every((key) => basket.has(key));
  const parts = [`${present.length} ${present.length === 1 ? "entry" : "entries"} side by side`];
  if (present.length > MOST) parts.push(`the first ${MOST} are shown`);
  if (missing.length) parts.push(`not in the catalogue: ${missing.join(", ")}`);
  status.textContent = `${parts.join("; ")}.`;
  const held = shown.map((key) => ({ key, ...known.get(key) }));
  table.replaceChildren(...(held.length ? [drawTable(held)] : []));
}

function remove(key) {
  const place = keys.indexOf(key);
  if (given) {
    keys = keys.filter((kept) => kept !== key);
    history.pushState(null, "", address());
    draw();
  } else basket.toggle(key, false);
  const left = table.querySelectorAll("thead button");
  (left[Math.min(place, left.length - 1)] ?? only).focus();
}

function drawTable(held) {
  const heads = held.map(({ key, kind, entry }) => {
    const name = entry.short ?? entry.title ?? entry.name;
    const button = element("button", { type: "button", "aria-label": `Remove ${name}` }, "×");
    button.addEventListener("click", () => remove(key));
    const head = element("th", { scope: "col" }, element("a", { href: `${root}${kind}/${entry.slug}/` }, name), " ", button);
    if (entry.short) head.append(element("div", { class: "cat-quiet" }, entry.title));
    return head;
  });
  const rows = [["Kind", held.map(({ kind }) => [KINDS[kind]])]];
  for (const [label, ...fields] of FACTS) rows.push([label, held.map((one) => values(one, fields))]);
  for (const what of subjects(held))
    rows.push([`Reported on ${what}`, held.map(({ entry }) => (entry.results ?? []).filter((one) => subject(one) === what).map(result))]);
  const body = element("tbody");
  for (const [label, cells] of rows) {
    if (cells.every((cell) => !cell.length)) continue;
    const written = cells.map((cell) => JSON.stringify([...cell].sort()));
    const differs = held.length > 1 && new Set(written).size > 1;
    if (only.checked && !differs) continue;
    const head = element("th", { scope: "row" }, label);
    if (differs) head.append(element("span", { class: "compare-differs" }, "differs"));
    const row = element("tr", differs ? { class: "is-differing" } : {}, head);
    // What only some of them hold stands out; a whole sentence always would.
    const listed = differs && cells.some((cell) => cell.length > 1 || cell.some((text) => text.length < 40));
    for (const cell of cells) {
      const own = (text) => listed && !cells.every((other) => other.includes(text));
      row.append(element("td", {}, ...write(cell, own)));
    }
    body.append(row);
  }
  return element(
    "table",
    { class: "compare-rows" },
    element("thead", {}, element("tr", {}, element("td"), ...heads)),
    body,
  );
}

function values({ kind, entry }, fields) {
  const field = fields.find((name) => entry[name]?.length);
  if (field === undefined) return fields.includes("status") ? [term(kind, "status", "active")] : [];
  const value = entry[field];
  if (["builds_on", "implements"].includes(field)) return value.map((slug) => known.get(slug)?.entry.short ?? known.get(slug)?.entry.title ?? slug);
  return (Array.isArray(value) ? value : [value]).map((word) => term(kind, field, word));
}

const term = (kind, field, word) => (field === "models" ? terms.models : terms.fields[`${kind}.${field}`])?.[word] ?? word;

// Model and data set of a configuration, in words.
const subject = ({ model, dataset = [] }) =>
  [...model.map((slug) => terms.models[slug] ?? slug), ...dataset.map((slug) => terms.datasets[slug] ?? slug)].join(", ");

// Those that most of the entries report on come first, so that configurations stand beside each other.
function subjects(held) {
  const entries = new Map();
  for (const { entry } of held)
    for (const what of new Set((entry.results ?? []).map(subject))) entries.set(what, (entries.get(what) ?? 0) + 1);
  return [...entries].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1)).map(([what]) => what);
}

function result({ before = {}, after, setting, hardware, where, reported_by, via }) {
  const numbers = Object.entries(after).map(([metric, value]) => {
    const [name, unit, better] = terms.metrics[metric] ?? [metric, "", ""];
    const change = metric in before ? `${quantity(before[metric], unit)} → ${quantity(value, unit)}` : quantity(value, unit);
    return `${name} ${better === "lower" ? "↓" : "↑"} ${change}`;
  });
  const source = [where, reported_by && `reported by ${reported_by}`, via && `secondary source: ${via}`].filter(Boolean).join(", ");
  return `${numbers.join("; ")}; ${[setting, hardware].filter(Boolean).join("; ")} (${source})`;
}

function write(cell, own) {
  if (!cell.length) return ["–"];
  const parts = cell.map((text) => {
    const part = https(text) ? element("a", { href: text }, text.replace("https://", "")) : text;
    return own(text) ? element("strong", {}, part) : part;
  });
  if (parts.length === 1) return parts;
  return [element("ul", {}, ...parts.map((part) => element("li", {}, part)))];
}

function https(text) {
  return /^https:\/\/\S+$/.test(text) && URL.canParse(text) && new URL(text).protocol === "https:";
}
