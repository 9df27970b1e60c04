// The one script of the catalogue: copy buttons. Without it, the text can be selected by hand.
for (const button of document.querySelectorAll(".cat-copy")) {
  const said = button.parentElement.querySelector("[role=status]");
  const source = document.getElementById(button.dataset.copy);
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
