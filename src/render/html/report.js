"use strict";
(() => {
  const filters = document.getElementById("filters");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const changes = [...document.querySelectorAll("details.change")];
  const rows = [...document.querySelectorAll("tr.opens, tr.closes")];
  const wanted = (name) => document.getElementById("show-" + name).checked;
  const holds = (element, text) => element.textContent.toLowerCase().includes(text);

  // Shows elements that contain the text, with their ancestors and descendants.
  const apply = () => {
    const text = search.value.trim().toLowerCase();
    let shown = 0;
    // From the innermost outwards, so an element knows which of its descendants are visible.
    for (const change of [...changes].reverse()) {
      const inner = [...change.querySelectorAll(":scope > ul > li")];
      const below = inner.some((item) => !item.hidden);
      const { kind } = change.dataset;
      const own = kind !== "within" && wanted(kind) && (text === "" || holds(change, text));
      const visible = own || below;
      change.parentElement.hidden = !visible;
      if (visible) shown += 1;
    }
    let accesses = 0;
    for (const row of rows) {
      row.hidden = !(wanted(row.className) && (text === "" || holds(row, text)));
      if (!row.hidden) accesses += 1;
    }
    count.textContent = `${shown} of ${changes.length} changes, ${accesses} of ${rows.length} sets of requests`;
  };

  const each = (open) => {
    for (const element of document.querySelectorAll("details")) element.open = open;
  };
  // Folded and hidden ones cannot be reached.
  const reachable = () => [...document.querySelectorAll("summary")].filter((one) => one.checkVisibility());
  const move = (step) => {
    const all = reachable();
    if (all.length === 0) return;
    const at = all.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    all[next].focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === search) {
      if (event.key === "Escape") {
        search.value = "";
        apply();
        search.blur();
      }
      return;
    }
    const keys = {
      "/": () => search.focus(),
      j: () => move(1),
      k: () => move(-1),
      e: () => each(true),
      c: () => each(false),
    };
    const action = keys[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  });
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("input", apply);
  document.getElementById("expand").addEventListener("click", () => each(true));
  document.getElementById("fold").addEventListener("click", () => each(false));
  filters.hidden = false;
  apply();
})();
