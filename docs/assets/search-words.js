// What a word is, for both searches: folding, pieces, stems, synonyms, and which texts hold what is asked for.
// Nothing here touches the page, so that it can be tested and measured alone.

// Letters that Unicode does not take apart, and Greek ones by their names: PixArt-α is found as "pixart alpha".
const LETTERS = new Map(Object.entries({
  ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", ı: "i", "×": "x", "∆": "delta",
  α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "epsilon", ζ: "zeta", η: "eta", θ: "theta", ι: "iota", κ: "kappa",
  λ: "lambda", μ: "mu", ν: "nu", ξ: "xi", ο: "o", π: "pi", ρ: "rho", σ: "sigma", ς: "sigma", τ: "tau", υ: "upsilon",
  φ: "phi", χ: "chi", ψ: "psi", ω: "omega",
}));
const ASCII = /^[\x00-\x7f]*$/;

// Lower case without accents and ligatures; all hyphens alike.
export function fold(text) {
  if (ASCII.test(text)) return text.toLowerCase();
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  return plain.replace(/[\u2010-\u2015\u2212]/g, "-").replace(/[^\x00-\x7f]/g, (letter) => LETTERS.get(letter) ?? letter);
}

const cut = (word, end, least, instead = "") =>
  word.endsWith(end) && word.length - end.length >= least ? word.slice(0, word.length - end.length) + instead : null;
const first = (word, ...cuts) => {
  for (const [end, least, instead] of cuts) {
    const shorter = cut(word, end, least, instead);
    if (shorter !== null) return shorter;
  }
  return word;
};

// One form for plurals, forms of verbs and the nouns made of them: prune, prunes, pruned, pruning. Words with digits stay.
export function stem(word) {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
  let left = first(word, ["sses", 2, "ss"], ["ies", 2, "y"]);
  if (left === word && !/(ss|us|is)$/.test(word)) left = first(word, ["s", 3]);
  left = first(left, ["isation", 2, "iz"], ["ization", 2, "iz"], ["ification", 3], ["ising", 2, "iz"], ["izing", 2, "iz"], ["ised", 2, "iz"],
    ["ized", 2, "iz"], ["ise", 3, "iz"], ["ize", 2, "iz"], ["ation", 3], ["ating", 3], ["ated", 3], ["ate", 4], ["ify", 4], ["ifying", 4],
    ["sion", 3, "s"], ["tion", 3, "t"], ["ity", 3], ["al", 5], ["ing", 3], ["ed", 3], ["e", 3]);
  left = first(left, ["e", 3]);
  return /([^aeioulsz])\1$/.test(left) || /[^aeiou]*ll$/.test(left) ? left.slice(0, -1) : left;
}

// Kept whole: C++, C#, N:M and 2:4, and decimals such as 2.1 and 2305.10924. A slash joins a number, as in DiT-XL/2;
// between words it is that of a path, or of a choice such as text/image.
const CHUNK = /[\p{L}\p{N}]+(?:(?:[-–_.:+'’]|\/(?=\p{N}))[\p{L}\p{N}]+)*(?:\+\+|#(?![\p{L}\p{N}]))?/gu;
const PIECE = /\p{L}\+\+|\p{L}#|(?<![\p{L}\p{N}.])[\p{L}\p{N}]{1,2}:[\p{L}\p{N}]{1,2}(?![\p{L}\p{N}])|\p{N}+(?:\.\p{N}+)+\p{L}*|[\p{L}\p{N}]+/gu;
// "wan2.1" and "sd15" are a name and a number.
const NUMBERED = /^(\p{L}{2,})(\p{N}+(?:\.\p{N}+)*)$/u;

// Pieces of folded text with their places: [{ raw, start, end, glued }]. A glued one follows the last without a mark between.
export function pieces(folded) {
  const found = [];
  for (const chunk of folded.matchAll(CHUNK)) {
    // The v of a version is no part of it. A decimal after letters: "sd3.5" would otherwise be cut at its dot.
    const text = chunk[0].replace(/(?<![\p{L}\p{N}])v(?=\p{N})/gu, " ").replace(/(?<=\p{L}{2})(?=\p{N}+\.\p{N})/gu, "\u0000");
    let shift = chunk.index;
    for (const part of text.split("\u0000")) {
      for (const piece of part.matchAll(PIECE)) addPiece(found, piece[0], shift + piece.index, shift > chunk.index && piece.index === 0);
      shift += part.length;
    }
  }
  return found;
}

function addPiece(found, text, start, glued) {
  const numbered = NUMBERED.exec(text);
  if (numbered) {
    addPiece(found, numbered[1], start, glued);
    addPiece(found, numbered[2], start + numbered[1].length, true);
    return;
  }
  found.push({ raw: text, start, end: start + text.length, glued });
}

const join = (words) => words.join("").replaceAll(".", "");

// Left out of what is asked, unless there is nothing else.
const STOP = new Set(("a an and any are as at be been but by can could did do does for from get had has have how i if in into is it its " +
  "like make makes me my of on one or our so some such than that the their them then there these this those to using use used via was we " +
  "what when where which while who why will with would you your after before about").split(" "));

// Everyday words of English that mean the same here. Terms of the catalogue have their synonyms in data/taxonomy.yaml.
const EVERYDAY = [
  ["speed up", "speedup", "accelerate", "acceleration", "accelerator", "fast", "faster", "quick", "speed"],
  ["small", "smaller", "compact", "lightweight", "light", "tiny", "compress", "compression", "slim", "slimming"],
  ["efficient", "efficiency", "cheap", "cheaper"],
  ["remove", "removal", "drop", "delete", "discard"],
  ["skip", "bypass"],
  ["survey", "review", "overview"],
  ["importance", "saliency", "sensitivity"],
];

const ARXIV = /(?<!\d\.?)(\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})(?!\d)/;
const OLD_ARXIV = /([a-z-]+)(?:\.[a-z]{2})?\/(\d{7})(?!\d)/i;
const DOI = /10\.\d{4,9}\/[^\s<>"]+/i;

export const identifier = (text) => fold(text.trim());

// The identifiers in what is typed, bare, and the rest. An address counts by its path.
export function readQuery(query) {
  const ids = [];
  const rest = [];
  for (const word of query.split(/\s+/)) {
    const old = OLD_ARXIV.exec(word);
    const id = ARXIV.exec(word)?.[1] ?? (old && `${old[1]}/${old[2]}`) ?? DOI.exec(word)?.[0].replace(/[).,;\]]+$/, "");
    if (id) {
      ids.push(identifier(id));
      if (/^arxiv:?$/i.test(rest.at(-1) ?? "")) rest.pop();
    } else if (!(ids.length && /^\[[a-z-]+\.[a-z-]+\]$/i.test(word))) {
      rest.push(/^https?:\/\//i.test(word) ? word.replace(/^https?:\/\/[^/]*\/?/i, "").replaceAll("/", " ") : word);
    }
  }
  return { ids, rest: rest.join(" ") };
}

// Where a text stands, and what a match there is worth. The places of a document are numbered in this order.
export const FIELDS = ["whole", "name", "title", "author", "term", "text", "summary"];
const WORTH = [60, 34, 20, 18, 20, 6, 4];
const WHOLE = 0;
const AUTHOR = FIELDS.indexOf("author");
const BITS = 3; // of a place in a posting
const PLACES = 1 << BITS;
const LONGEST = 6; // words of a name that is looked for as one
const KNOWN = { exact: 1, form: 0.9, concept: 1, everyday: 0.6, parts: 0.5, start: 0.6, startOfKnown: 0.3, startOfShort: 0.29 };

export class Words {
  constructor(size) {
    this.size = size;
    this.numbers = new Map(); // word, or pieces written together -> number
    this.words = [];
    this.postings = []; // of each number: document * PLACES + field
    this.forms = new Map(); // stem -> numbers
    this.keys = new Map(); // name of a concept, joined -> numbers of the concepts
    this.first = new Map(); // concept -> its first name, joined
    this.terms = new Map(); // concept -> the document that explains it
    this.stems = new Map();
    this.chunks = new Map();
    this.sorted = null;
    this.sortedKeys = null;
    this.everyday = new Map();
    for (const group of EVERYDAY) for (const one of group) this.everyday.set(join(pieces(fold(one)).map(({ raw }) => stem(raw))), group);
  }

  // Text of one field of a document. A name counts as a whole, too.
  add(document, field, text, asName = false) {
    if (!text) return;
    const place = FIELDS.indexOf(field);
    const folded = fold(text);
    for (const chunk of folded.match(CHUNK) ?? []) for (const number of this.#numbersOf(chunk)) this.#put(number, document, place);
    if (asName) this.addWhole(document, folded);
  }

  // A name that counts as a whole.
  addWhole(document, name) {
    const parts = this.#pieces(name);
    if (parts.length) this.#put(this.#together(parts), document, WHOLE);
  }

  // Words of what was written together, and its beginnings as one word: "flux", "1", "flux1", "dev", "flux1dev".
  #numbersOf(chunk) {
    let numbers = this.chunks.get(chunk);
    if (!numbers) {
      const parts = this.#pieces(chunk);
      numbers = parts.map(({ raw, stem }) => this.#number(raw, stem));
      for (let count = 2; count <= parts.length; count++) numbers.push(this.#together(parts.slice(0, count)));
      this.chunks.set(chunk, numbers);
    }
    return numbers;
  }

  addIdentifier(document, id) {
    this.#put(this.#number(identifier(id), identifier(id)), document, WHOLE);
  }

  // A person is found by any part of the name, and as a whole in either order.
  addPerson(document, name) {
    this.add(document, "author", name);
    const parts = this.#pieces(name);
    if (parts.length < 2) return;
    for (const order of [parts, [parts.at(-1), ...parts.slice(0, -1)]]) this.#put(this.#together(order), document, AUTHOR);
  }

  // Something with names: concept is a number that documents are given by addConcept.
  name(concept, names) {
    for (const name of names) {
      const parts = this.#pieces(name);
      if (!this.first.has(concept)) this.first.set(concept, join(parts.map(({ raw }) => raw)));
      for (const key of new Set([join(parts.map(({ raw }) => raw)), join(parts.map((part) => part.stem))]))
        if (key) this.keys.set(key, [...new Set([...(this.keys.get(key) ?? []), concept])]);
    }
  }

  addConcept(document, field, concept) {
    this.#put(this.#number(`\u0000${concept}`), document, FIELDS.indexOf(field));
  }

  #pieces(text) {
    return pieces(fold(text)).map((piece) => ({ ...piece, stem: this.#stem(piece.raw) }));
  }

  #stem(word) {
    let known = this.stems.get(word);
    if (known === undefined) this.stems.set(word, (known = stem(word)));
    return known;
  }

  // "U-Nets" has the form of its parts and that of "unets".
  #together(parts) {
    const word = join(parts.map((part) => part.raw));
    return this.#number(word, join(parts.map((part) => part.stem)), this.#stem(word));
  }

  #number(word, ...forms) {
    let number = this.numbers.get(word);
    if (number === undefined) {
      number = this.words.push(word) - 1;
      this.numbers.set(word, number);
      this.postings.push([]);
      this.sorted = null;
    }
    for (const form of forms) {
      const numbers = this.forms.get(form);
      if (!numbers) this.forms.set(form, [number]);
      else if (!numbers.includes(number)) numbers.push(number);
    }
    return number;
  }

  #put(number, document, place) {
    const posted = this.postings[number];
    const one = document * PLACES + place;
    if (posted.at(-1) !== one) posted.push(one);
  }

  // What the first query would wait for.
  prepare() {
    this.sorted ??= this.words.filter((word) => word[0] !== "\u0000").sort();
    this.sortedKeys ??= [...this.keys.keys()].sort();
  }

  // The document that explains what is asked, where the query is a name of it and nothing else; first names count first.
  #term(query) {
    const parts = this.#pieces(query);
    const forms = [join(parts.map(({ raw }) => raw)), join(parts.map((part) => part.stem))];
    const named = forms.flatMap((key) => this.keys.get(key) ?? []).filter((concept) => this.terms.has(concept));
    return this.terms.get(named.find((concept) => this.first.get(concept) === forms[0]) ?? named[0]) ?? -1;
  }

  // How the documents fit: { scores, held (words of each), asked (words in all), marks, concepts, term }.
  find(query) {
    const scores = new Float32Array(this.size);
    const held = new Uint8Array(this.size);
    const asked = { words: 0, marks: new Set(), concepts: new Set() };
    for (const unit of this.#units(query)) {
      asked.words += unit.words.length;
      this.#score(unit, scores, held, asked);
    }
    const term = this.#term(query);
    if (term >= 0) scores[term] = 1e9; // before all that fit as well
    return { scores, held, asked: asked.words, marks: asked.marks, concepts: asked.concepts, term };
  }

  // What is asked, cut into names that the catalogue knows, and single words.
  #units(query) {
    const { ids, rest } = readQuery(query);
    const units = ids.map((id) => this.#identifierUnit(id));
    const words = this.#pieces(rest).slice(0, 16);
    const useful = words.some(({ raw }) => !STOP.has(raw)) ? (word) => !STOP.has(word.raw) : () => true;
    for (const unit of this.#names(words, LONGEST, true)) {
      unit.words = unit.words.filter(useful);
      if (unit.words.length) units.push(unit);
    }
    return units;
  }

  // The words cut into the longest names of at most so many words, and single words.
  *#names(words, most, last) {
    for (let at = 0; at < words.length; ) {
      const unit = this.#longest(words, at, most, last);
      at += unit.words.length;
      yield unit;
    }
  }

  #identifierUnit(id) {
    const word = { raw: id, stem: id };
    return { words: [word], whole: this.#known([word], true), last: true };
  }

  #longest(words, at, most, last) {
    for (let count = Math.min(most, words.length - at); ; count--) {
      const taken = words.slice(at, at + count);
      const ends = last && at + count === words.length;
      const whole = this.#known(taken, ends);
      if (whole.length || count === 1) return { words: taken, whole, last: ends };
    }
  }

  // What stands for these words as one: pairs of a number of the vocabulary and how sure it is, the surest first.
  #known(words, last) {
    const raw = join(words.map((word) => word.raw));
    const form = join(words.map((word) => word.stem));
    const written = words.length === 1 ? words[0].raw : raw;
    const found = new Map();
    const take = (number, sure) => {
      if (number !== undefined && !found.has(number)) found.set(number, sure);
    };
    take(this.numbers.get(written), KNOWN.exact);
    for (const key of new Set([raw, form])) for (const concept of this.keys.get(key) ?? []) take(this.numbers.get(`\u0000${concept}`), KNOWN.concept);
    for (const one of words.length === 1 ? [words[0].stem] : [form, this.#stem(raw)])
      for (const number of this.forms.get(one) ?? []) take(number, KNOWN.form);
    for (const other of this.everyday.get(form) ?? [])
      for (const number of this.forms.get(join(this.#pieces(other).map((part) => part.stem))) ?? []) take(number, KNOWN.everyday);
    if (last && (words.length === 1 || !found.size)) this.#starts(words, written, !found.size ? KNOWN.start : written.length < 4 ? KNOWN.startOfShort : KNOWN.startOfKnown, take);
    return [...found];
  }

  // Words and names that begin with what has been typed so far.
  #starts(words, written, sure, take) {
    this.prepare();
    if (words.length === 1) for (const word of startingWith(this.sorted, written)) take(this.numbers.get(word), sure);
    if (written.length < 3) return;
    for (const key of startingWith(this.sortedKeys, written))
      for (const concept of this.keys.get(key)) take(this.numbers.get(`\u0000${concept}`), sure);
  }

  #score(unit, scores, held, asked) {
    this.#mark(unit.words, unit.whole, asked);
    const fit = this.#fit(unit, 1);
    for (let id = 0; id < this.size; id++) {
      scores[id] += fit.scores[id];
      held[id] += fit.held[id];
    }
  }

  // How well each document fits and how many of the words it has: as the name that they are, or by the shorter names and
  // single words in it, since somebody may have written "unet-pruning" where others have both apart.
  #fit({ words, whole, last }, sure) {
    const scores = new Float32Array(this.size);
    const held = new Uint8Array(this.size);
    const fits = new Float32Array(this.size);
    this.#collect(whole, fits, new Uint8Array(this.size));
    const rare = rarity(fits, this.size) * words.length * sure;
    const glued = words.slice(1).every((word) => word.glued);
    const parts = glued ? [] : [...this.#names(words, words.length - 1, last)].map((part) => this.#fit(part, KNOWN.parts));
    for (let id = 0; id < this.size; id++) {
      for (const part of parts) {
        scores[id] += part.scores[id];
        held[id] += part.held[id];
      }
      if (fits[id]) {
        scores[id] += fits[id] * rare;
        held[id] = words.length;
      }
    }
    return { scores, held };
  }

  // Each field of a document counts once, by the surest match.
  #collect(known, fits, seen) {
    for (const [number, sure] of known) {
      for (const posted of this.postings[number]) {
        const id = posted >>> BITS;
        const place = posted & (PLACES - 1);
        // The beginning of a word that is a word itself counts in names alone: "wan" is not Wang.
        if ((sure === KNOWN.startOfKnown && place > 2) || (sure === KNOWN.startOfShort && place > 1)) continue; // nor "fid" fidelity
        if (seen[id] & (1 << place)) continue;
        seen[id] |= 1 << place;
        fits[id] += WORTH[place] * sure;
      }
    }
  }

  #mark(words, whole, { marks, concepts }) {
    marks.add(join(words.map((word) => word.raw)));
    for (const [number] of whole) {
      const word = this.words[number];
      if (word[0] === "\u0000") concepts.add(Number(word.slice(1)));
      else marks.add(word.replaceAll(".", ""));
    }
  }
}

// Rare words say more than common ones.
function rarity(fits, size) {
  let count = 0;
  for (const fit of fits) if (fit) count++;
  return count ? 0.25 + (0.75 * Math.log(1 + size / count)) / Math.log(1 + size) : 0;
}

function* startingWith(sorted, start) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < start) low = middle + 1;
    else high = middle;
  }
  for (; low < sorted.length && sorted[low].startsWith(start); low++) if (sorted[low] !== start) yield sorted[low];
}

// Parts of a text that are what was asked for, as [start, end]. Folding may change lengths, so places are carried along.
export function matches(text, marks) {
  if (!marks?.size) return [];
  let folded = "";
  const places = [];
  let at = 0;
  for (const character of text) {
    const plain = fold(character);
    for (let i = 0; i < plain.length; i++) places.push(at);
    folded += plain;
    at += character.length;
  }
  places.push(text.length);
  const parts = pieces(folded);
  const found = [];
  for (let from = 0; from < parts.length; from++) {
    for (let count = Math.min(LONGEST, parts.length - from); count; count--) {
      const run = parts.slice(from, from + count);
      if (!marks.has(join(run.map(({ raw }) => raw)))) continue;
      const start = places[run[0].start];
      const end = Math.max(places[run.at(-1).end], start + 1);
      found.push([start, end]);
      from += count - 1;
      break;
    }
  }
  return found;
}
