"use strict";
// The page works without this script. It sorts the tables of cells and filters the table of all cells, with buttons and a field
// that the keyboard reaches.
(() => {
  const compare = (a, b) => typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;

  // Makes the heads of a table sort it, except the last, which holds commands. Returns its rows.
  const sortable = (table) => {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => ({
      row,
      text: row.textContent.toLowerCase(),
      keys: Array.from(row.cells, (cell) => {
        const order = cell.dataset.order;
        return order === undefined ? cell.textContent : order === "" ? null : Number(order);
      }),
    }));
    const heads = Array.from(table.tHead.rows[0].cells).slice(0, -1);

    // Values that were not measured come last in both directions.
    const sort = (column, ascending) => {
      const sorted = rows.slice().sort((a, b) => {
        const [one, other] = [a.keys[column], b.keys[column]];
        if (one === null || other === null) return (one === null) - (other === null);
        return ascending ? compare(one, other) : compare(other, one);
      });
      body.append(...sorted.map((entry) => entry.row));
    };

    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(column, ascending);
      });
    });
    return rows;
  };

  document.querySelectorAll("table.cells:not(#cell-table)").forEach(sortable);
  const table = document.getElementById("cell-table");
  if (!table) return;
  const rows = sortable(table);
  const filter = document.querySelector(".filter");
  const field = filter.querySelector("input");
  const count = filter.querySelector("output");
  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of rows) {
      entry.row.hidden = !words.every((word) => entry.text.includes(word));
      shown += !entry.row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} cells`;
  };
  field.addEventListener("input", apply);
  // A link to a line that the filter hides shows it again.
  addEventListener("hashchange", () => {
    const target = document.querySelector("tr:target");
    if (!target || !target.hidden) return;
    field.value = "";
    apply();
    target.scrollIntoView();
  });
  filter.hidden = false;
  apply();
})();
