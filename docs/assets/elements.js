// Nodes of the page: what data says can only become text.
import { matches } from "./search-words.js";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The text with every match in a <mark>.
export function marked(text, marks) {
  const out = document.createDocumentFragment();
  let done = 0;
  for (const [start, end] of matches(text, marks)) {
    out.append(text.slice(done, start), element("mark", {}, text.slice(start, end)));
    done = end;
  }
  out.append(text.slice(done));
  return out;
}

export const shows = (text, marks) => matches(text, marks).length > 0;
