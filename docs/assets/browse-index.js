// The catalogue in columns: which entries match, how many each option would give, in which order.
// Nothing here touches the page, so that it can be tested and measured alone.

const VERSION = 1;
export const SORTS = ["newest", "title", "venue", "added"];

const popcount = (v) => {
  v -= (v >>> 1) & 0x55555555;
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

// Lower case without accents, so that "Lefevre" finds "Lefèvre".
export const fold = (text) =>
  /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export const tokens = (query) => fold(query).split(/\s+/).filter(Boolean).slice(0, 8);

const isWord = (code) =>
  (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code > 127;

// 3: a whole word; 2: the start of a word; 1: inside a word; 0: not there.
export function closeness(text, token) {
  let best = 0;
  for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) {
    if (at > 0 && isWord(text.charCodeAt(at - 1))) {
      best ||= 1;
      continue;
    }
    const end = at + token.length;
    if (end === text.length || !isWord(text.charCodeAt(end))) return 3;
    best = 2;
  }
  return best;
}

// Worth of a match by its closeness: short name, title, authors, summary, phrases. Zero means that it does not count:
// the inside of a family name or of a word in a sentence is chance.
const WORTH = [
  [0, 15, 30, 40],
  [0, 6, 14, 20],
  [0, 0, 10, 18],
  [0, 0, 3, 4],
  [0, 0, 2, 3],
];

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

  addSummaries(document) {
    if (document.version !== VERSION || document.stamp !== this.stamp) return false;
    this.summaries = document.summaries;
    this.phrases = document.phrases;
    this.texts = null;
    return true;
  }

  prepare() {
    const { shorts, titles, authors } = this.columns;
    this.texts ||= [shorts, titles, authors, this.summaries, this.phrases].map((column) => column?.map(fold) ?? null);
  }

  // Entries that hold every token somewhere, with their rank.
  #find(wanted) {
    this.prepare();
    const bits = new Uint32Array(this.words);
    const scores = new Float32Array(this.size);
    const whole = wanted.join(" ");
    const fields = this.texts.map((texts, field) => [texts, WORTH[field]]).filter(([texts]) => texts);
    for (let id = 0; id < this.size; id++) {
      let score = this.texts[0][id] === whole || this.texts[1][id] === whole ? 100 : 0;
      let all = true;
      for (const token of wanted) {
        let found = 0;
        for (const [texts, worth] of fields) found += worth[closeness(texts[id], token)];
        if (!found) {
          all = false;
          break;
        }
        score += found;
      }
      if (!all) continue;
      scores[id] = score;
      bits[id >>> 5] |= 1 << (id & 31);
    }
    return { bits, scores };
  }

  // state: { q, facets: Map of name -> Set of words, year: [from, to], sort }
  query(state) {
    const masks = [];
    for (const [name, facet] of this.facets) masks.push([name, facet, this.#union(facet, state.facets.get(name))]);
    masks.push(["year", this.years, this.#range(state.year)]);
    const wanted = tokens(state.q);
    const found = wanted.length ? this.#find(wanted) : null;
    const start = found?.bits ?? this.#all();
    const counts = new Map();
    for (const [name, facet] of masks) {
      const base = start.slice();
      for (const [other, , mask] of masks) if (mask && other !== name) and(base, mask);
      counts.set(name, facet.bits.map((bits) => countBoth(base, bits)));
    }
    const matches = start.slice();
    for (const [, , mask] of masks) if (mask) and(matches, mask);
    return { ids: this.#sorted(matches, state.sort, found?.scores), counts };
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
