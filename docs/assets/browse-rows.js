// Rows of the table, built node by node: what entries say can only become text.
import { element, marked, shows } from "./elements.js";

function people(names) {
  const all = names.split(" ");
  return all.length > 4 ? `${all.slice(0, 3).join(", ")} and ${all.length - 3} more` : all.join(", ");
}

// In the order of the facets, as generator/pages/browse.py has them for the rows in the page itself.
const TAGS = ["sparsity", "architectures", "status"];

// names: (facet, word) -> its name on the site; basket: has(key)
export function row(index, id, { root, names, basket, marks, concepts, summaries }) {
  const { slugs, titles, shorts, authors } = index.columns;
  const [kind] = index.held("kind", id);
  const key = index.key(id);
  const label = shorts[id] || titles[id];
  const tick = element("input", { type: "checkbox", "aria-label": `Select ${label}`, "data-key": key });
  tick.checked = basket.has(key);
  const entry = element("th", { scope: "row" });
  entry.append(element("a", { href: `${root}${kind}s/${slugs[id]}/` }, marked(label, marks)));
  if (shorts[id]) entry.append(element("div", { class: "browse-title" }, marked(titles[id], marks)));
  if (authors[id]) {
    // Those who match are named even where the list is cut.
    const shown = people(authors[id]);
    const matching = authors[id].split(" ").filter((name) => !shown.includes(name) && shows(name, marks));
    entry.append(element("div", { class: "cat-quiet" }, marked([shown, ...matching].join(", "), marks)));
  }
  const tags = element("div", { class: "browse-tags" });
  if (kind !== "paper") tags.append(tag(kind === "tool" ? "Tool" : "Article"));
  for (const word of index.held("family", id)) tags.append(tag(names("family", word), "browse-tag--family"));
  for (const facet of TAGS)
    for (const word of index.held(facet, id)) if (word !== "active") tags.append(tag(names(facet, word)));
  for (const word of index.held("model", id).slice(0, index.columns.models[id])) tags.append(tag(names("model", word), "browse-tag--model"));
  if (index.held("code", id).length) tags.append(tag("code", "browse-tag--has"));
  if (index.held("results", id).length) tags.append(tag("results", "browse-tag--has"));
  entry.append(tags);
  const summary = index.summaries?.[id];
  if (summary && (summaries || shows(summary, marks))) entry.append(element("p", { class: "browse-summary" }, marked(summary, marks)));
  // Models, data sets and the like are shown where they are what matches.
  const phrases = (index.phrases?.[id] ?? "").split("\n").filter((phrase) => shows(phrase, marks));
  const found = [...new Set([...index.named(id, concepts), ...phrases])];
  if (found.length) entry.append(element("div", { class: "cat-quiet" }, marked(found.slice(0, 6).join(" · "), marks)));
  const cell = (name, text) => element("td", text ? { "data-name": name } : { "data-name": name, class: "is-none" }, text || "–");
  return element(
    "tr",
    {},
    element("td", { class: "browse-tick" }, element("label", {}, tick)),
    entry,
    cell("Date", index.coded("dates", id)),
    cell("Venue", index.coded("venues", id)),
    cell("Training", index.held("training", id).map((word) => names("training", word)).join(", ")),
  );
}

const tag = (text, more = "") => element("span", { class: `browse-tag ${more}`.trim() }, text);
