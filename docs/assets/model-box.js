// The box of the home page: names and aliases of models, and the way to a model's page.
import { loadNames } from "./model-names.js";

const form = document.querySelector(".cat-model");

if (form) {
  const input = form.querySelector("input");
  const list = form.querySelector("datalist");
  const status = form.querySelector("[role=status]");
  let loading;
  const ready = () => (loading ??= load());
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

  async function load() {
    const known = await loadNames(form.dataset.root);
    list.replaceChildren(...known.options);
    return known;
  }

  async function go() {
    try {
      const slug = (await ready()).find(input.value);
      if (slug) location.assign(`${form.dataset.root}models/${slug}/`);
      else if (input.value.trim()) status.textContent = `No model of the catalogue is called ${input.value.trim()}.`;
    } catch (error) {
      status.textContent = `The names could not be loaded (${error.message}).`;
    }
  }
}
