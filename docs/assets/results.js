// Sorting of the tables of one source. Without it, they stand in a sensible order: the unchanged model, then the best.
const compare = new Intl.Collator("en", { numeric: true }).compare;

function value(row, column, kind) {
  const cell = row.cells[column];
  return kind === "number" ? Number(cell.dataset.value) : cell.textContent.trim();
}

function sort(table, column, kind, descending) {
  const body = table.tBodies[0];
  const rows = [...body.rows].filter((row) => !row.classList.contains("cat-dense"));
  rows.sort((one, other) => {
    const [a, b] = [value(one, column, kind), value(other, column, kind)];
    const lacking = Number.isNaN(a) - Number.isNaN(b);
    if (lacking) return lacking; // what has no value comes last, whichever way
    return (kind === "number" ? a - b : compare(a, b)) * (descending ? -1 : 1);
  });
  body.append(...rows); // the unchanged model stays first
}

for (const table of document.querySelectorAll(".cat-sortable")) {
  table.classList.add("cat-sorts");
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    const kind = head.dataset.sort;
    if (!kind) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cat-sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.ariaSort === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.ariaSort = descending ? "descending" : "ascending";
      sort(table, column, kind, descending);
    });
  }
}
