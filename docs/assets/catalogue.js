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

// Entry pages can be put into the basket.
if (document.querySelector(".cat-entry")) import("./browse-basket.js").then(({ addButton }) => addButton());
