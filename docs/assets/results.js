// Sorting of the tables of one source, and the filter of single results. Without it, tables stand in a sensible order: the baseline, then the best.
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
  body.append(...rows); // the baseline stays first
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

// The filter of the single results: every word of it must occur in a result or in the name of its models.
const filter = document.querySelector(".cat-filter");
if (filter) {
  const input = filter.querySelector("input");
  const status = filter.querySelector("[role=status]");
  const groups = [...filter.nextElementSibling.querySelectorAll("details")].map((details) => {
    const name = details.querySelector("summary").textContent;
    const items = [...details.querySelectorAll("li")].map((item) => ({ item, text: `${name} ${item.textContent}`.toLowerCase() }));
    return { details, items };
  });
  const total = groups.reduce((sum, { items }) => sum + items.length, 0);
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { details, items } of groups) {
      const before = count;
      for (const { item, text } of items) {
        item.hidden = !words.every((word) => text.includes(word));
        count += !item.hidden;
      }
      details.hidden = count === before;
      details.open = words.length > 0;
    }
    status.textContent = words.length ? `${count} of ${total} results` : `${total} results`;
  };
  filter.hidden = false;
  input.addEventListener("input", show);
  show();
}
