// The catalogue in columns: which entries match, how many each option would give, in which order.
// Nothing here touches the page, so that it can be tested and measured alone.
import { best, VERSION, wordsOf } from "./search-index.js";
import { fold } from "./search-words.js";

export const SORTS = ["newest", "title", "venue", "added"];

const popcount = (v) => {
  v -= (v >>> 1) & 0x55555555;
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

export class Index {
  constructor(document) {
    if (document.version !== VERSION) throw new Error(`entries of form ${document.version}, not ${VERSION}`);
    this.stamp = document.stamp;
    this.size = document.slugs.length;
    this.columns = document;
    this.words = (this.size + 31) >>> 5;
    this.facets = new Map();
    for (const [name, facet] of Object.entries(document.facets)) this.facets.set(name, this.#facet(facet));
    this.years = this.#years(document.dates);
    this.summaries = null;
    this.phrases = null;
    this.names = null;
    this.texts = null;
    this.orders = { newest: Uint32Array.from({ length: this.size }, (_, id) => id) };
  }

  #facet({ words, sets, of }) {
    const bits = words.map(() => new Uint32Array(this.words));
    for (let id = 0; id < of.length; id++) for (const word of sets[of[id]]) bits[word][id >>> 5] |= 1 << (id & 31);
    return { words, bits, place: new Map(words.map((word, place) => [word, place])) };
  }

  // Years are a facet of one word an entry, of which a range is chosen.
  #years({ words, of }) {
    const years = [...new Set(words.map((word) => word.slice(0, 4)).filter(Boolean))].sort();
    const sets = words.map((word) => (word ? [years.indexOf(word.slice(0, 4))] : []));
    return this.#facet({ words: years, sets, of });
  }

  key(id) {
    const [kind] = this.held("kind", id);
    const slug = this.columns.slugs[id];
    return kind === "paper" ? slug : `${kind}:${slug}`;
  }

  held(name, id) {
    const { words, sets, of } = this.columns.facets[name];
    return sets[of[id]].map((word) => words[word]);
  }

  coded(name, id) {
    const { words, of } = this.columns[name];
    return words[of[id]];
  }

  addSummaries({ summaries, phrases }) {
    this.summaries = summaries;
    this.phrases = phrases;
    this.texts = null;
  }

  // search/index.json: names, authors and terms, of which words are made.
  addNames(document) {
    this.names = document;
    this.texts = null;
  }

  prepare() {
    this.texts ||= wordsOf(this.columns, this.names, this.summaries ? this : null);
  }

  // Names of what an entry is about or touches, where they are asked for.
  named(id, wanted) {
    if (!this.names) return [];
    const { concepts, has, also } = this.names;
    return [...has[id], ...also[id]].filter((concept) => wanted.has(concept)).map((concept) => concepts[concept].split("\n")[0]);
  }

  // Entries with all words, or with most, as bits.
  #find(query) {
    this.prepare();
    const found = this.texts.find(query);
    const { ids, most } = best(found, 0, this.size, this.names?.weights);
    const bits = new Uint32Array(this.words);
    for (const id of ids) bits[id >>> 5] |= 1 << (id & 31);
    return { ...found, most, bits };
  }

  // state: { q, facets: Map of name -> Set of words, year: [from, to], sort }
  query(state) {
    const masks = [];
    for (const [name, facet] of this.facets) masks.push([name, facet, this.#union(facet, state.facets.get(name))]);
    masks.push(["year", this.years, this.#range(state.year)]);
    const found = state.q.trim() ? this.#find(state.q) : null;
    const start = found?.bits ?? this.#all();
    const counts = new Map();
    for (const [name, facet] of masks) {
      const base = start.slice();
      for (const [other, , mask] of masks) if (mask && other !== name) and(base, mask);
      counts.set(name, facet.bits.map((bits) => countBoth(base, bits)));
    }
    const matches = start.slice();
    for (const [, , mask] of masks) if (mask) and(matches, mask);
    return { ids: this.#sorted(matches, state.sort, found?.scores), counts, found };
  }

  #all() {
    const bits = new Uint32Array(this.words).fill(0xffffffff);
    if (this.size & 31) bits[this.words - 1] = (1 << (this.size & 31)) - 1;
    return bits;
  }

  #union(facet, chosen) {
    const bits = new Uint32Array(this.words);
    let any = false;
    for (const word of chosen ?? []) {
      const place = facet.place.get(word);
      if (place === undefined) continue;
      any = true;
      for (let i = 0; i < bits.length; i++) bits[i] |= facet.bits[place][i];
    }
    return any ? bits : null;
  }

  #range([from, to]) {
    if (!from && !to) return null;
    const inside = this.years.words.filter((year) => (!from || year >= from) && (!to || year <= to));
    return this.#union(this.years, inside) ?? new Uint32Array(this.words);
  }

  #sorted(bits, sort, scores) {
    const ids = [];
    const reversed = sort.startsWith("-");
    const order = this.#order(sort.replace("-", "") || "newest");
    for (let at = 0; at < order.length; at++) {
      const id = order[reversed ? order.length - 1 - at : at];
      if (bits[id >>> 5] & (1 << (id & 31))) ids.push(id);
    }
    if (!sort && scores) ids.sort((a, b) => scores[b] - scores[a]); // stable: newest first among equals
    return ids;
  }

  #order(sort) {
    return (this.orders[sort] ??= this.#permutation(sort));
  }

  // Sorting is stable: entries of equal key stay newest first.
  #permutation(sort) {
    const ids = Array.from(this.orders.newest);
    if (sort === "added") return ids.sort((a, b) => compare(this.coded("added", b), this.coded("added", a)));
    const key =
      sort === "title"
        ? this.columns.titles.map((title) => fold(title).replace(/^[^\p{L}\p{N}]+/u, ""))
        : ids.map((id) => fold(this.coded("venues", id).replace(/ \d+$/, "")) || "\uffff"); // without a venue last
    return ids.sort((a, b) => compare(key[a], key[b]));
  }
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function and(bits, mask) {
  for (let i = 0; i < bits.length; i++) bits[i] &= mask[i];
}

function countBoth(a, b) {
  let count = 0;
  for (let i = 0; i < a.length; i++) count += popcount(a[i] & b[i]);
  return count;
}
