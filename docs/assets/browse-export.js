// BibTeX, CSV and JSON of some entries: cuts from the site's own files, so that each keeps exactly the form,
// and the protection against formulas and stray commands, that the generator gave it.
import { element } from "./elements.js";
import { fetchText } from "./search-index.js";

const FORMATS = {
  bib: { file: "references.bib", name: "BibTeX", type: "application/x-bibtex", cut: cutBibtex },
  ris: { file: "references.ris", name: "RIS", type: "application/x-research-info-systems", cut: cutRis },
  "csl.json": { file: "references.csl.json", name: "CSL-JSON", type: "application/vnd.citationstyles.csl+json", cut: cutCsl },
  csv: { file: "entries.csv", name: "CSV", type: "text/csv", cut: cutCsv },
  json: { file: "entries.json", name: "JSON", type: "application/json", cut: cutJson },
};
const fetched = new Map();

function wholeFile(address) {
  if (!fetched.has(address)) {
    const coming = fetchText(address);
    coming.catch(() => fetched.delete(address)); // the next click tries again
    fetched.set(address, coming);
  }
  return fetched.get(address);
}

export const entriesOf = async (root) => JSON.parse(await wholeFile(`${root}data/entries.json`));

// { text, count }: only papers have BibTeX, so fewer may come than were asked for.
export async function cut(format, keys, root) {
  return FORMATS[format].cut(await wholeFile(`${root}data/${FORMATS[format].file}`), new Set(keys));
}

function cutBibtex(text, keys) {
  // The generator writes each value on one line, so a brace alone on its line ends an entry.
  const found = [...text.matchAll(/^@\w+\{([^,\s]+),\n[^]*?^\}$/gm)].filter(([, key]) => keys.has(key));
  return { text: found.map(([entry]) => `${entry}\n`).join("\n"), count: found.length };
}

function cutRis(text, keys) {
  const found = text.split(/(?<=^ER {2}- ?\r\n)/m).filter((record) => keys.has(/^ID {2}- (.+?)\r$/m.exec(record)?.[1]));
  return { text: found.map((record) => record.trimStart()).join("\r\n"), count: found.length };
}

function cutCsl(text, keys) {
  const found = JSON.parse(text).filter(({ id }) => keys.has(id));
  return { text: `${JSON.stringify(found, null, 1)}\n`, count: found.length };
}

function cutCsv(text, keys) {
  const [head, ...records] = csvRecords(text);
  const found = records.filter((record) => {
    const [, kind, slug] = /^(\w+),([a-z0-9-]+),/.exec(record) ?? [];
    return keys.has(kind === "paper" ? slug : `${kind}:${slug}`);
  });
  return { text: [head, ...found].map((record) => `${record}\r\n`).join(""), count: found.length };
}

// A record ends at a line's end outside quotes; its text stays as it is.
function csvRecords(text) {
  const records = [];
  let open = "";
  for (const line of text.split("\r\n")) {
    open = open ? `${open}\r\n${line}` : line;
    if (open.split('"').length % 2) {
      if (open) records.push(open);
      open = "";
    }
  }
  return records;
}

function cutJson(text, keys) {
  const { papers, tools, articles, models, datasets, ...rest } = JSON.parse(text);
  const kept = {
    papers: papers.filter(({ slug }) => keys.has(slug)),
    tools: tools.filter(({ slug }) => keys.has(`tool:${slug}`)),
    articles: articles.filter(({ slug }) => keys.has(`article:${slug}`)),
  };
  const count = kept.papers.length + kept.tools.length + kept.articles.length;
  // The models and data sets that they name come along, so that every slug in the file can be looked up.
  const named = { model: new Set(), dataset: new Set() };
  for (const { models: own = [] } of [...kept.papers, ...kept.tools]) own.forEach((slug) => named.model.add(slug));
  for (const { results = [] } of kept.papers)
    for (const one of results)
      for (const key of ["model", "dataset"]) (one[key] ?? []).forEach((slug) => named[key].add(slug));
  kept.models = models.filter(({ slug }) => named.model.has(slug));
  kept.datasets = datasets.filter(({ slug }) => named.dataset.has(slug));
  return { text: `${JSON.stringify({ ...rest, ...kept }, null, 1)}\n`, count };
}

function download(text, type, name) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// Fills a panel with its buttons. sources: [{ label, keys(), address() }], of which the reader chooses one.
export function fillPanel(panel, opener, root, sources) {
  let source = sources[0];
  const said = element("span", { class: "cat-said", role: "status" });
  const choices = element("div", { class: "browse-take-what", role: "radiogroup", "aria-label": "Which entries" });
  const radios = sources.map((one, place) => {
    const radio = element("input", { type: "radio", name: `${panel.id}-source` });
    radio.checked = place === 0;
    radio.addEventListener("change", () => (source = one));
    const label = element("span");
    choices.append(element("label", {}, radio, " ", label));
    return { radio, label, one };
  });
  const show = () => {
    for (const { radio, label, one } of radios) {
      label.textContent = `${one.label} (${one.keys().length})`;
      radio.disabled = !one.keys().length;
      if (radio.disabled && radio.checked) {
        const other = radios.find((held) => !held.radio.disabled && held.radio !== radio);
        if (other) {
          other.radio.checked = true;
          source = other.one;
        }
      }
    }
  };
  const button = (label, act) => {
    const made = element("button", { type: "button" }, label);
    made.addEventListener("click", async () => {
      said.textContent = "";
      try {
        said.textContent = await act();
      } catch (error) {
        said.textContent = `Failed: ${error.message}`;
      }
    });
    return made;
  };
  const counted = (count, name, all) =>
    count === all ? `${count} as ${name}.` : `${count} of ${all} as ${name}; the others have none.`;
  const buttons = element("div", { class: "browse-take-how" });
  for (const [format, { name, type }] of Object.entries(FORMATS)) {
    const group = element("span", { role: "group", "aria-label": name }, element("span", {}, name));
    const act = (use, verb) => async () => {
      const keys = source.keys();
      const { text, count } = await cut(format, keys, root);
      await use(text);
      return `${verb} ${counted(count, name, keys.length)}`;
    };
    if (navigator.clipboard)
      group.append(button("copy", act((text) => navigator.clipboard.writeText(text), "Copied")));
    group.append(
      button("download", act((text) => download(text, type, `diffusion-pruning-selection.${format}`), "Saved")),
    );
    for (const made of group.querySelectorAll("button")) made.setAttribute("aria-label", `${made.textContent} ${name}`);
    buttons.append(group);
  }
  const copyAddress = button("Copy the address", async () => {
    await navigator.clipboard.writeText(new URL(source.address(), location.href).href);
    return "Copied the address.";
  });
  copyAddress.hidden = !navigator.clipboard;
  buttons.append(copyAddress);
  buttons.append(said);
  panel.replaceChildren(...(sources.length > 1 ? [choices] : []), buttons);
  opener.addEventListener("click", () => {
    panel.hidden = !panel.hidden;
    opener.setAttribute("aria-expanded", !panel.hidden);
    show();
  });
  return show;
}
