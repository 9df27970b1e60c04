// The page Choose: three questions, their answers in the address, families and entries. Without it all rules are listed.
// ?model=sdxl&train=none&need=seconds, or ?architecture=mmdit&…
import { element } from "./elements.js";
import { loadNames } from "./model-names.js";

const VERSION = 1;
const NONE = "–";
const page = document.getElementById("choose-page");
const { root } = page.dataset;
const one = (selector) => page.querySelector(selector);
const form = one(".choose-form");
const input = one("#choose-model");
const select = one("#choose-architecture");
const unknown = one("#choose-unknown");
const status = one(".choose-status");
const answer = one(".choose-answer");
const radios = (name) => [...form.querySelectorAll(`input[name=${name}]`)];

let data;
let known;
let state = {};

start().catch((error) => {
  status.textContent = `The answers could not be loaded (${error.message}). All rules are listed below.`;
});

async function start() {
  [data, known] = await Promise.all([load(), loadNames(root)]);
  one("#choose-models").replaceChildren(...known.options);
  form.hidden = false;
  listen();
  restore();
}

async function load() {
  const found = await fetch(`${root}choose/rules.json`);
  if (!found.ok) throw new Error(`HTTP ${found.status}`);
  const document = await found.json();
  if (document.version !== VERSION) throw new Error("the page is older than its data; reload it");
  return document;
}

// The address

function readState() {
  const given = new URLSearchParams(location.search);
  const word = (name, words) => (Object.hasOwn(words, given.get(name) ?? "") ? given.get(name) : "");
  const model = word("model", data.models);
  return {
    model,
    architecture: model ? "" : word("architecture", data.architectures),
    train: word("train", data.budgets),
    need: data.needs.includes(given.get("need")) ? given.get("need") : "",
  };
}

// A choice is a step that the back button takes back.
function change(part) {
  state = { ...state, ...part };
  const pairs = new URLSearchParams(Object.entries(state).filter(([, word]) => word));
  history.pushState(null, "", `${location.pathname}${pairs.size ? `?${pairs}` : ""}`);
  putIntoForm();
  show();
}

function restore() {
  state = readState();
  putIntoForm();
  show();
}

function putIntoForm() {
  input.value = known.names.get(state.model) ?? "";
  select.value = state.architecture;
  for (const name of ["train", "need"]) for (const radio of radios(name)) radio.checked = radio.value === state[name];
  say("");
}

function say(text) {
  unknown.textContent = text;
  input.ariaInvalid = text ? "true" : null;
}

function listen() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    name();
  });
  input.addEventListener("change", name);
  input.addEventListener("input", (event) => {
    if (event.inputType === "insertReplacementText" || event.inputType === undefined) name();
  });
  select.addEventListener("change", () => change({ model: "", architecture: select.value }));
  for (const part of ["train", "need"])
    for (const radio of radios(part)) radio.addEventListener("change", () => change({ [part]: radio.value }));
  addEventListener("popstate", restore);
}

function name() {
  const text = input.value.trim();
  const model = known.find(text) ?? "";
  if (text && !model) say(`No model of the catalogue is called ${text}; choose its architecture.`);
  else if (model !== state.model) change({ model, architecture: model ? "" : state.architecture });
  else putIntoForm();
}

// The answer

function subject() {
  if (state.model) return known.names.get(state.model);
  return state.architecture ? select.selectedOptions[0].textContent : "any model";
}

function show() {
  answer.hidden = true;
  const open = [!state.train && "how much you can train", !state.need && "what the bottleneck is"].filter(Boolean);
  if (open.length) {
    status.textContent = `Answer ${open.join(" and ")}${state.model || state.architecture ? "" : "; the model is optional"}.`;
    return;
  }
  const families = fitting();
  const filled = families.filter((family) => family.fits.length);
  const entries = filled.reduce((sum, family) => sum + family.fits.length, 0);
  const count = (number, word, words) => `${number} ${number === 1 ? word : words}`;
  if (!filled.length) status.textContent = `No entry fits ${subject()}; the rules name these families without one.`;
  else status.textContent = `For ${subject()}: ${count(filled.length, "family", "families")} with ${count(entries, "entry", "entries")}.`;
  const rest = families.filter((family) => !family.fits.length);
  answer.replaceChildren(...filled.map(section), ...(rest.length ? [others(rest)] : []));
  answer.hidden = false;
}

// The families in the order of the rules with their entries: those on the model, else on its architecture.
function fitting() {
  const need = data.needs.indexOf(state.need);
  const [place, , ...ofModel] = state.model ? data.models[state.model] : [];
  const architecture = state.model ? Object.keys(data.architectures)[place] : state.architecture;
  const alike = architecture ? data.architectures[architecture][need] : [];
  const own = state.model ? ofModel[need] : architecture ? alike : data.any[need];
  return data.rules[state.need][state.train].map(([family, why, query]) => {
    const named = allowed(own, family);
    const similar = state.model && !named.length ? allowed(alike, family) : [];
    return { family, why, query, fits: named.length ? named : similar, only: similar.length ? architecture : "", architecture };
  });
}

function allowed(places, family) {
  const budget = data.budgets[state.train];
  const found = [];
  for (let at = 0; at < places.length; at += 2) {
    const entry = data.entries[places[at]];
    const training = data.training[entry[3]]?.[0] ?? "";
    if (entry[2] === family && budget.includes(training)) found.push([entry, data.numbers[places[at + 1]]]);
  }
  return found;
}

// The same choice in Browse: for a model also its members and its lines, as in the entries here.
function browse({ query, fits, only }) {
  const filter = new URLSearchParams(query);
  if (only || state.architecture) filter.set("architectures", only || state.architecture);
  else if (state.model && fits.length) filter.set("model", [state.model, data.models[state.model][1]].filter(Boolean).join(","));
  return `${root}browse/?${filter.toString().replaceAll("%2C", ",")}`;
}

function section(family) {
  const { fits, only, why } = family;
  const name = data.families[family.family];
  const heading = element("h2", {}, link(`${root}families/${family.family}/`, name));
  const parts = [heading, element("p", {}, why)];
  const term = [...select.options].find((option) => option.value === only)?.textContent;
  if (only) parts.push(element("p", { class: "cat-note" }, `No entry with this training names ${subject()}; these were evaluated on other models of its architecture (${term}).`));
  const heads = ["Paper", "Training", "Code", "Reported result", "Setting and source"];
  const table = element(
    "table",
    { class: "cat-rows choose-entries" },
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...fits.slice(0, data.shown).map(row)),
  );
  parts.push(element("div", { class: "cat-table", tabindex: "0", role: "region", "aria-label": name }, table));
  const all = fits.length > data.shown ? `${data.shown} of ${fits.length} shown. ` : "";
  const text = `${name} in Browse`;
  parts.push(element("p", {}, all, link(browse(family), text)));
  return element("section", {}, ...parts);
}

function row([[slug, label, , training, code], number]) {
  const cell = (name, ...children) =>
    element("td", { "data-name": name, class: children[0] === NONE ? "is-none" : "" }, element("span", {}, ...children));
  const [place, value, quality, setting, source] = number ?? [];
  const shown = number ? [link(`${root}papers/${slug}/#row-${slug}-${place}`, value)] : [NONE];
  if (quality) shown.push(element("br"), element("span", { class: "cat-quiet" }, quality));
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, link(`${root}papers/${slug}/`, label)),
    cell("Training", data.training[training]?.[1] ?? "not stated"),
    cell("Code", code ? "yes" : NONE),
    cell("Reported result", ...shown),
    cell("Setting", ...(number ? [setting, element("br"), element("span", { class: "cat-quiet" }, source)] : [NONE])),
  );
}

function others(families) {
  const items = families.map((family) => {
    const name = data.families[family.family];
    const browsed = element("a", { href: browse(family), "aria-label": `${name} in Browse` }, "Browse");
    return element("li", {}, link(`${root}families/${family.family}/`, name), `: ${family.why} `, browsed);
  });
  const where = state.model ? `${subject()} or its architecture` : subject();
  return element("section", {}, element("h2", {}, `No entry on ${where}`), element("ul", {}, ...items));
}

function link(address, text) {
  return element("a", { href: address }, text);
}
