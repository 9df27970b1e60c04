// What is asked for, as an address. The search words are not called q: the theme's own search opens on that.
// ?text=…&family=pruning,caching&year=2023-2025&sort=title
import { SORTS } from "./browse-index.js";

export const emptyState = () => ({ q: "", facets: new Map(), year: ["", ""], sort: "", summaries: false });

// Words that the catalogue does not hold are left out: an old address still shows the rest.
export function readState(search, index) {
  const state = emptyState();
  const given = new URLSearchParams(search);
  state.q = (given.get("text") ?? "").slice(0, 200);
  for (const [name, facet] of index.facets) {
    const words = given.getAll(name).flatMap((value) => value.split(","));
    const known = facet.words.filter((word) => words.includes(word));
    if (known.length) state.facets.set(name, new Set(known));
  }
  const year = /^(\d{4})?(-)?(\d{4})?$/.exec(given.get("year") ?? "");
  if (year && (year[1] || year[3])) state.year = [year[1] ?? "", year[2] ? (year[3] ?? "") : (year[1] ?? "")];
  const sort = given.get("sort") ?? "";
  if (SORTS.includes(sort.replace(/^-/, ""))) state.sort = sort;
  state.summaries = given.get("summaries") === "yes";
  return state;
}

export function writeState(state, index) {
  const pairs = new URLSearchParams();
  if (state.q.trim()) pairs.set("text", state.q.trim());
  for (const [name, facet] of index.facets) {
    const words = facet.words.filter((word) => state.facets.get(name)?.has(word));
    if (words.length) pairs.set(name, words.join(","));
  }
  const [from, to] = state.year;
  if (from || to) pairs.set("year", `${from}-${to}`);
  if (state.sort) pairs.set("sort", state.sort);
  if (state.summaries) pairs.set("summaries", "yes");
  const text = pairs.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : "";
}
