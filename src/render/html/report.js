"use strict";
(() => {
  const filters = document.getElementById("filters");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const rules = [...document.querySelectorAll(".access")];
  const changes = [...document.querySelectorAll(".change")];
  const folds = [...document.querySelectorAll("details")];
  // Long lists of patterns are reduced to those that contain the text.
  const lists = [...document.querySelectorAll(".patterns")].map((element) => ({ element, all: element.textContent.split("\n") }));
  // In lower case, since every letter that is typed is compared with all of it.
  const texts = new Map([...rules, ...changes].map((element) => [element, element.textContent.toLowerCase()]));
  // How things were folded before the search.
  let before = null;

  const wanted = (name) => document.getElementById("show-" + name).checked;
  const plural = (number, one, more) => `${number} ${number === 1 ? one : more}`;

  const unfold = (found) => {
    if (before === null) before = folds.map((element) => element.open);
    for (const element of found) {
      for (let at = element; at !== null; at = at.parentElement.closest("details")) {
        if (at.tagName === "DETAILS") at.open = true;
      }
    }
  };

  const restore = () => {
    if (before === null) return;
    folds.forEach((element, position) => { element.open = before[position]; });
    before = null;
  };

  const apply = () => {
    const text = search.value.trim().toLowerCase();
    const holds = (element) => text === "" || texts.get(element).includes(text);
    const shown = [];
    for (const rule of rules) {
      for (const row of rule.querySelectorAll("dl")) row.hidden = !wanted(row.dataset.kind);
      rule.hidden = !holds(rule) || rule.querySelector("dl:not([hidden])") === null;
      if (!rule.hidden) shown.push(rule);
    }
    const listed = shown.length;
    for (const change of changes) {
      change.hidden = !wanted(change.dataset.kind) || !holds(change);
      if (!change.hidden) shown.push(change);
    }
    for (const { element, all } of lists) {
      const found = all.filter((line) => line.toLowerCase().includes(text));
      const rest = found.length === 0 ? 0 : all.length - found.length;
      const lines = rest === 0 ? all : [...found, `… (${rest} more)`];
      element.textContent = lines.join("\n");
    }
    if (text === "") restore();
    else unfold(shown);
    count.textContent = `${listed} of ${plural(rules.length, "rule", "rules")}, ${shown.length - listed} of ${plural(changes.length, "change", "changes")}`;
  };

  const each = (open) => {
    before = null;
    for (const element of folds) element.open = open;
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
