// Rows of the table, built node by node: what entries say can only become text.
import { closeness, fold } from "./browse-index.js";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The text with every match in a <mark>. Folding may change its length, so places are carried along.
export function marked(text, wanted, inside = true) {
  const out = document.createDocumentFragment();
  const ranges = wanted.length ? findRanges(text, wanted, inside) : [];
  let done = 0;
  for (const [start, end] of ranges) {
    out.append(text.slice(done, start), element("mark", {}, text.slice(start, end)));
    done = end;
  }
  out.append(text.slice(done));
  return out;
}

function findRanges(text, wanted, inside) {
  let folded = "";
  const places = [];
  let at = 0;
  for (const character of text) {
    for (const _ of fold(character)) places.push(at);
    folded += fold(character);
    at += character.length;
  }
  places.push(text.length);
  const found = [];
  for (const token of wanted) {
    const starts = closeness(folded, token) > 1; // marks inside words only where nothing better is there
    if (!starts && !inside) continue;
    for (let place = folded.indexOf(token); place >= 0; place = folded.indexOf(token, place + 1)) {
      if (starts && closeness(folded.slice(Math.max(0, place - 1), place + token.length), token) < 2) continue;
      found.push([places[place], Math.max(places[place + token.length], places[place] + 1)]);
    }
  }
  found.sort((a, b) => a[0] - b[0]);
  const merged = [];
  for (const range of found) {
    const last = merged.at(-1);
    if (last && range[0] <= last[1]) last[1] = Math.max(last[1], range[1]);
    else merged.push(range);
  }
  return merged;
}

function people(names) {
  const all = names.split(" ");
  return all.length > 4 ? `${all.slice(0, 3).join(", ")} and ${all.length - 3} more` : all.join(", ");
}

// In the order of the facets, as generator/pages/browse.py has them for the rows that stand in the page itself.
const TAGS = ["sparsity", "training", "architectures", "status"];

// names: (facet, word) -> what the site calls it; basket: has(key)
export function row(index, id, { root, names, basket, wanted, summaries }) {
  const { slugs, titles, shorts, authors } = index.columns;
  const [kind] = index.held("kind", id);
  const key = index.key(id);
  const label = shorts[id] || titles[id];
  const tick = element("input", { type: "checkbox", "aria-label": `Select ${label}`, "data-key": key });
  tick.checked = basket.has(key);
  const entry = element("th", { scope: "row" });
  entry.append(element("a", { href: `${root}${kind}s/${slugs[id]}/` }, marked(label, wanted)));
  if (shorts[id]) entry.append(element("div", { class: "browse-title" }, marked(titles[id], wanted)));
  if (authors[id]) {
    // Those who match are named even where the list is cut.
    const shown = people(authors[id]);
    const matching = authors[id].split(" ").filter((name) => !shown.includes(name) && wanted.some((token) => closeness(fold(name), token) > 1));
    entry.append(element("div", { class: "cat-quiet" }, marked([shown, ...matching].join(", "), wanted, false)));
  }
  const tags = element("div", { class: "browse-tags" });
  if (kind !== "paper") tags.append(tag(kind === "tool" ? "Tool" : "Article"));
  for (const word of index.held("family", id)) tags.append(tag(names("family", word), "browse-tag--family"));
  for (const facet of TAGS)
    for (const word of index.held(facet, id)) if (word !== "active") tags.append(tag(names(facet, word)));
  if (index.held("code", id).length) tags.append(tag("code"));
  if (index.held("results", id).length) tags.append(tag("numbers"));
  entry.append(tags);
  const summary = index.summaries?.[id];
  const telling = summary && wanted.some((token) => closeness(fold(summary), token) > 1);
  if (summary && (summaries || telling)) entry.append(element("p", { class: "browse-summary" }, marked(summary, wanted, false)));
  // Models, data sets and the like are shown where they are what matches.
  const found = (index.phrases?.[id] ?? "").split("\n").filter((phrase) => wanted.some((token) => closeness(fold(phrase), token) > 1));
  if (found.length) entry.append(element("div", { class: "cat-quiet" }, marked(found.slice(0, 6).join(" · "), wanted, false)));
  const cell = (name, text) => element("td", text ? { "data-name": name } : { "data-name": name, class: "is-none" }, text || "–");
  return element(
    "tr",
    {},
    element("td", { class: "browse-tick" }, element("label", {}, tick)),
    entry,
    cell("Date", index.coded("dates", id)),
    cell("Venue", index.coded("venues", id)),
    cell("Added", index.coded("added", id)),
  );
}

const tag = (text, more = "") => element("span", { class: `browse-tag ${more}`.trim() }, text);
