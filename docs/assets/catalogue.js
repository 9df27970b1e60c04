// On every page: copy buttons. Without them, the text can be selected by hand.
for (const button of document.querySelectorAll(".cat-copy")) {
  const said = button.parentElement.querySelector("[role=status]");
  const source = button.parentElement.querySelector("pre");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      said.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(source);
      said.textContent = "Selected; copy with your keyboard.";
    }
  });
}

// A link to a part that is folded away opens what holds it.
const unfold = () => {
  const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let fold = part?.closest("details:not([open])");
  if (!fold) return;
  for (; fold; fold = fold.parentElement.closest("details")) fold.open = true;
  part.scrollIntoView();
};
unfold();
addEventListener("hashchange", unfold);

// Entry pages can be put into the basket.
if (document.querySelector(".cat-entry")) import("./browse-basket.js").then(({ addButton }) => addButton());

// The search of the header opens by a key or a click; what it needs is loaded then, and not before.
const opened = document.getElementById("__search");
const box = document.querySelector(".md-search__input");
if (opened && box?.form && !box.dataset.mdComponent) {
  const open = (wanted) => {
    if (opened.checked !== wanted) opened.click();
  };
  // Enter before the results are there leads to Browse.
  box.form.action = new URL("../browse/", import.meta.url).href;
  box.form.addEventListener("submit", () => (box.name = "text"));
  box.addEventListener("focus", () => {
    open(true);
    import("./search.js").then(({ start }) => start());
  });
  opened.addEventListener("change", () => (opened.checked ? box.focus() : box.blur()));
  addEventListener("keydown", (event) => {
    const writing = event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
    if (event.key === "Escape" && opened.checked) open(false);
    else if (["/", "s", "f"].includes(event.key) && !writing && !event.ctrlKey && !event.metaKey && !event.altKey && !opened.checked) {
      event.preventDefault();
      box.focus();
    }
  });
  // Leaving by the Tab key closes it.
  box.closest(".md-search").addEventListener("focusout", ({ relatedTarget, currentTarget }) => {
    if (relatedTarget && !currentTarget.contains(relatedTarget)) open(false);
  });
}
