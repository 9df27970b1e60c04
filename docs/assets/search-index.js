// The files of the catalogue as words: what both searches look through. Entries come first, in the order of Browse.
import { Words } from "./search-words.js";

export const VERSION = 1;

export async function fetchText(address, options) {
  const answer = await fetch(address, options);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.text();
}

// A file that belongs to the entries; a copy from before the last publication is fetched again.
export async function fetchFor(stamp, address) {
  for (const options of [{}, { cache: "reload" }]) {
    const document = JSON.parse(await fetchText(address, options));
    if (document.version === VERSION && document.stamp === stamp) return document;
  }
  throw new Error(`${address} does not belong to these entries`);
}

// entries: browse/entries.json; index: search/index.json; summaries: browse/summaries.json. The last two may be null.
export function wordsOf(entries, index, summaries) {
  const size = entries.slugs.length;
  const words = new Words(size + (index ? index.locations.length : 0));
  const shown = index?.concepts.map((names) => names.split("\n")) ?? [];
  for (const [concept, names] of shown.entries()) words.name(concept, names);
  const proper = new Set(index?.proper);
  for (let id = 0; id < size; id++) {
    words.add(id, "name", entries.shorts[id], true);
    words.add(id, "title", entries.titles[id], true);
    if (!entries.shorts[id]) words.add(id, fieldOf(entries.titles[id].split(":")[0]), entries.titles[id].split(":")[0], true);
    words.add(id, "term", entries.venues.words[entries.venues.of[id]]);
    words.add(id, "text", entries.dates.words[entries.dates.of[id]].slice(0, 4));
    if (summaries) {
      words.add(id, "text", summaries.phrases[id]);
      words.add(id, "summary", summaries.summaries[id]);
    }
    if (index) addEntry(words, index, shown, proper, id, entries.slugs[id]);
    else words.add(id, "author", entries.authors[id]);
  }
  if (index) for (let at = 0; at < index.locations.length; at++) addOther(words, index, shown, size + at, at);
  words.prepare();
  return words;
}

const NAME_WORDS = 4;

// A former title is an alias, too, but no name: its words count like those of a title.
const fieldOf = (name) => (name.split(" ").length > NAME_WORDS ? "title" : "name");

function addEntry(words, index, shown, proper, id, slug) {
  words.addWhole(id, slug);
  for (const name of index.names[id].split("\n")) {
    if (/\d[./]\d/.test(name)) words.addIdentifier(id, name);
    words.add(id, fieldOf(name), name, true);
  }
  for (const name of index.authors[id].split("\n")) words.addPerson(id, name);
  for (const [field, column] of [["term", index.has], ["text", index.also]])
    for (const concept of column[id]) {
      words.addConcept(id, field, concept);
      if (proper.has(concept)) words.add(id, field, shown[concept][0]);
    }
}

function addOther(words, index, shown, id, at) {
  words.add(id, "title", index.titles[at], true);
  words.add(id, "summary", index.texts[at]);
  const about = index.about[at];
  if (index.locations[at].startsWith("glossary/#")) for (const concept of [about, ...index.belongs[at]]) words.terms.set(concept, id);
  if (about >= 0) {
    words.addConcept(id, "whole", about);
    for (const name of shown[about]) words.add(id, "name", name, true);
  }
  for (const concept of index.belongs[at]) words.addConcept(id, "term", concept);
}

// Those with all words, or with most. What the catalogue is about, and what more entries build on, counts a little more.
export function best(found, from, to, weights) {
  let most = 0;
  for (let id = from; id < to; id++) if (found.held[id] > most) most = found.held[id];
  const ids = [];
  if (most) for (let id = from; id < to; id++) if (found.held[id] === most) ids.push(id);
  for (const id of ids) found.scores[id] *= weights?.[id] ?? 1;
  return { ids, most };
}
