// The search of the header: the theme's box with our words behind it. Loaded when the box is first used.
import { element, marked } from "./elements.js";
import { best, fetchFor, fetchText, wordsOf } from "./search-index.js";

const MOST = 12;
const root = new URL("../", import.meta.url);
const form = document.querySelector(".md-search__form");
const input = form.querySelector("input");
const status = document.querySelector(".md-search-result__meta");
const list = document.querySelector(".md-search-result__list");
const KINDS = { paper: "Paper", tool: "Tool", article: "Article" };

let entries;
let index;
let words;
let loading = null;

// Titles and names first; summaries follow while the reader types.
async function load() {
  status.textContent = "Loading …";
  entries = JSON.parse(await fetchText(new URL("browse/entries.json", root)));
  const summaries = fetchFor(entries.stamp, new URL("browse/summaries.json", root));
  index = await fetchFor(entries.stamp, new URL("search/index.json", root));
  words = wordsOf(entries, index, null);
  show();
  summaries
    .then((document) => {
      words = wordsOf(entries, index, document);
      show();
    })
    .catch(() => {}); // the rest is still searched
}

export function start() {
  loading ??= load().catch(() => {
    loading = null; // the next use tries again
    status.textContent = "The search could not be loaded. Browse lists every entry.";
  });
}

function show() {
  const query = input.value.trim();
  if (!words) return;
  list.replaceChildren();
  if (!query) {
    status.textContent = "Type to start searching";
    return;
  }
  const found = words.find(query);
  const { ids, most } = best(found, 0, words.size, index.weights);
  ids.sort((a, b) => found.scores[b] - found.scores[a]);
  status.textContent = summary(ids.length, most, found.asked);
  list.append(...ids.slice(0, MOST).map((id) => item(id, found.marks)));
  const inBrowse = ids.filter((id) => id < entries.slugs.length).length;
  if (inBrowse) list.append(link(new URL(`browse/?text=${encodeURIComponent(query)}`, root), `Show ${inBrowse} in Browse`, "With filters, to compare and cite", null));
}

function summary(number, most, asked) {
  if (!number) return "Nothing found";
  const results = number === 1 ? "1 result" : `${number} results`;
  return most === asked ? results : `${results}. No page contains all ${asked} words; these contain ${most}.`;
}

function item(id, marks) {
  const size = entries.slugs.length;
  if (id < size) {
    const { words: kinds, sets, of } = entries.facets.kind;
    const kind = kinds[sets[of[id]][0]];
    const [short, full] = [entries.shorts[id], entries.titles[id]];
    const title = short && !full.includes(short) ? `${short}: ${full}` : full;
    const about = [people(entries.authors[id]), coded(entries.venues, id) || coded(entries.dates, id).slice(0, 4)].filter(Boolean);
    return link(new URL(`${kind}s/${entries.slugs[id]}/`, root), marked(title, marks), `${KINDS[kind]} · ${about.join(" · ")}`, marks);
  }
  const at = id - size;
  const text = index.texts[at];
  const line = text.length > 120 ? `${text.slice(0, 120).replace(/\s+\S*$/, "")} …` : text;
  return link(new URL(index.locations[at], root), marked(index.titles[at], marks), `${coded(index.kinds, at)}${line && ` · ${line}`}`, marks);
}

const coded = ({ words: held, of }, id) => held[of[id]];

function people(names) {
  const all = names.split(" ");
  return all.length > 2 ? `${all[0]} and ${all.length - 1} more` : all.join(", ");
}

function link(address, title, line, marks) {
  const article = element("article", { class: "md-search-result__article md-typeset" });
  article.append(element("p", {}, element("strong", {}, title), element("br"), marked(line, marks)));
  return element("li", { class: "md-search-result__item" }, element("a", { href: address.href, class: "md-search-result__link" }, article));
}

let frame = 0;
input.addEventListener("input", () => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(show);
});
form.addEventListener("reset", () => setTimeout(show));
form.addEventListener("submit", (event) => {
  const first = list.querySelector("a");
  if (!first) return;
  event.preventDefault();
  first.click();
});

// Arrows walk through the box and the results.
document.querySelector(".md-search").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const stops = [input, ...list.querySelectorAll("a")];
  const at = stops.indexOf(document.activeElement);
  if (at < 0) return;
  event.preventDefault();
  stops[(at + step + stops.length) % stops.length].focus();
});
