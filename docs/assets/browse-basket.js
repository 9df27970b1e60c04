// The reader's selection of entries, kept in the browser across pages, and a bar with it on every page that selects.
import { element } from "./elements.js";

const STORE = "awesome-diffusion-pruning.basket";
const KEY = /^((tool|article):)?[a-z0-9]+(-[a-z0-9]+)*$/;
const MOST = 1000;

export const validKeys = (keys) => [...new Set(keys.filter((key) => typeof key === "string" && KEY.test(key)))].slice(0, MOST);

class Basket extends EventTarget {
  #keys = this.#stored();

  constructor() {
    super();
    addEventListener("storage", (event) => {
      if (event.key !== STORE && event.key !== null) return;
      this.#keys = this.#stored();
      this.dispatchEvent(new Event("change"));
    });
    // A page that comes back from the browser's memory may be behind.
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      this.#keys = this.#stored();
      this.dispatchEvent(new Event("change"));
    });
  }

  #stored() {
    try {
      const found = JSON.parse(localStorage.getItem(STORE) ?? "[]");
      return new Set(Array.isArray(found) ? validKeys(found) : []);
    } catch {
      return new Set(); // storage may be forbidden, or hold something else
    }
  }

  get keys() {
    return [...this.#keys];
  }

  has(key) {
    return this.#keys.has(key);
  }

  set(keys) {
    this.#keys = new Set(validKeys(keys));
    try {
      localStorage.setItem(STORE, JSON.stringify(this.keys));
    } catch {
      // Then it lasts as long as the page.
    }
    this.dispatchEvent(new Event("change"));
  }

  toggle(key, wanted = !this.has(key)) {
    this.set(wanted ? [...this.#keys, key] : this.keys.filter((held) => held !== key));
  }
}

export const basket = new Basket();

// A bar at the foot of the window, as long as something is selected.
export function addBar(root) {
  const count = element("strong");
  const clear = element("button", { type: "button" }, "Clear selection");
  const bar = element(
    "div",
    { class: "browse-basket", role: "region", "aria-label": "Selection" },
    element("span", {}, count, " selected"),
    element("a", { href: `${root}compare/` }, "Compare"),
    clear,
  );
  const show = () => {
    count.textContent = basket.keys.length;
    bar.hidden = !basket.keys.length;
  };
  clear.addEventListener("click", () => basket.set([]));
  basket.addEventListener("change", show);
  show();
  document.body.append(bar);
}

// The page of one entry gets a button beside its links.
export function addButton() {
  const place = /\/(papers|tools|articles)\/([a-z0-9-]+)\/(index\.html)?$/.exec(location.pathname);
  const links = document.querySelector(".cat-entry .cat-links");
  if (!place || !links) return;
  const key = place[1] === "papers" ? place[2] : `${place[1].slice(0, -1)}:${place[2]}`;
  const button = element("button", { type: "button", class: "md-button cat-basket" });
  const show = () => {
    button.textContent = basket.has(key) ? "Selected" : "Select to compare";
    button.setAttribute("aria-pressed", basket.has(key));
  };
  button.addEventListener("click", () => basket.toggle(key));
  basket.addEventListener("change", show);
  show();
  links.append(button);
  addBar("../../");
}
