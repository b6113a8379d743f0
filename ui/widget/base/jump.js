// "Go to clip" in the bar: type a part of a name, choose with the arrows, Enter opens.
import { el, replace } from "./dom.js";
import { jumpTo } from "./filters.js";

export function initJump(root, { cards, onopen, signal }) {
  const input = root.querySelector("[data-part=jump]");
  const list = root.querySelector("#jump-list");
  let found = [], at = -1;

  function close() {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    const card = found[index];
    if (!card) return;
    input.value = "";
    input.blur();
    close();
    onopen(card.id);
  }

  function mark(index) {
    at = found.length ? (index + found.length) % found.length : -1;
    [...list.children].forEach((node, i) => node.setAttribute("aria-selected", String(i === at)));
    if (at >= 0) input.setAttribute("aria-activedescendant", `jump-${at}`);
  }

  function draw() {
    found = jumpTo(cards(), input.value);
    replace(list, ...found.map((card, i) => el("li", { id: `jump-${i}`, role: "option", "aria-selected": "false",
      onpointerdown: (event) => { event.preventDefault(); choose(i); } },
    el("span", { class: "clip" }, card.title || card.name), el("span", { class: "mono t3" }, card.name))));
    if (!found.length && input.value.trim()) replace(list, el("li", { class: "t3", role: "option", "aria-disabled": "true" }, "No clip has this name"));
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    mark(0);
  }

  input.addEventListener("input", draw, { signal });
  input.addEventListener("blur", close, { signal });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); mark(at + (event.key === "ArrowDown" ? 1 : -1)); }
    else if (event.key === "Enter") { event.preventDefault(); choose(at); }
    else if (event.key === "Escape") { event.preventDefault(); input.value = ""; close(); input.blur(); }
  }, { signal });
  return { focus: () => { input.focus(); input.select(); } };
}
