// The box of the home page: names and aliases of models, and the way to a model's page.
const form = document.querySelector(".cat-model");
const fold = (text) => text.normalize("NFKD").toLowerCase().replace(/\p{M}|[\s_\-‐-―]/gu, "");

let pages; // folded name -> address of the model's page

async function load(input, list) {
  pages = new Map();
  const { models } = await (await fetch(`${form.dataset.root}models/names.json`)).json();
  const options = [];
  for (const [slug, name, aliases, entries] of models.sort((one, other) => other[3] - one[3])) {
    for (const spelling of [name, slug, ...aliases]) if (!pages.has(fold(spelling))) pages.set(fold(spelling), slug);
    for (const spelling of [name, ...aliases]) {
      const option = document.createElement("option");
      option.value = spelling;
      if (spelling !== name) option.label = `${name}, ${entries} entries`;
      options.push(option);
    }
  }
  list.replaceChildren(...options);
}

// The model of exactly this name, or the most used one whose name begins or goes on with it.
function find(text) {
  const wanted = fold(text);
  if (!wanted) return undefined;
  const names = [...pages.keys()];
  const near = names.find((name) => name.startsWith(wanted)) ?? names.find((name) => name.includes(wanted));
  return pages.get(wanted) ?? pages.get(near);
}

if (form) {
  const input = form.querySelector("input");
  const list = form.querySelector("datalist");
  const status = form.querySelector("[role=status]");
  let loading;
  const ready = () => (loading ??= load(input, list));
  form.hidden = false;
  input.addEventListener("focus", ready);
  input.addEventListener("input", (event) => {
    status.textContent = "";
    // A choice from the list, as opposed to typing: what is typed may go on, as SDXL does to SDXL-Turbo.
    if (event.inputType === "insertReplacementText" || event.inputType === undefined) go();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go();
  });

  async function go() {
    try {
      await ready();
    } catch (error) {
      status.textContent = `The names could not be loaded (${error.message}).`;
      return;
    }
    const slug = find(input.value);
    if (slug) location.assign(`${form.dataset.root}models/${slug}/`);
    else if (input.value.trim()) status.textContent = `No model of the catalogue is called ${input.value.trim()}.`;
  }
}
