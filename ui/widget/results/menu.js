// A button with a list below it: one of many, several of many, or anything else. Arrows move, Esc and a click elsewhere close.
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";

const FOCUSABLE = "button:not([disabled]),a[href],input";

// fill(close) → what the list holds, asked for whenever it opens; may be a promise. Returns {node, face, refill, close}.
export function makeMenu({ name, cls = "btn", face = [], fill, right = false, title = null }) {
  const list = el("div", { class: `menu panel${right ? " to-right" : ""}`, hidden: true });
  const button = el("button", { type: "button", class: cls, "aria-haspopup": "true", "aria-expanded": "false", "aria-label": name, title, onclick: () => (list.hidden ? open() : close()) }, face);
  const node = el("div", { class: "menu-of" }, button, list);
  let watch = null;
  const stops = () => [...list.querySelectorAll(FOCUSABLE)];

  async function refill() {
    if (list.hidden) return;
    const held = stops().indexOf(document.activeElement), nodes = await fill(close);
    if (list.hidden) return;
    replace(list, nodes);
    if (held >= 0) stops()[Math.min(held, stops().length - 1)]?.focus();
  }
  async function open() {
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    watch = new AbortController();
    document.addEventListener("pointerdown", (event) => { if (!node.contains(event.target)) close(); }, { signal: watch.signal });
    node.addEventListener("focusout", (event) => { if (event.relatedTarget && !node.contains(event.relatedTarget)) close(); }, { signal: watch.signal });
    await refill();
    (list.querySelector("[aria-checked=true]") ?? stops()[0])?.focus();
  }
  function close() {
    if (list.hidden) return;
    const held = list.contains(document.activeElement);
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    watch.abort();
    if (held) button.focus();
  }
  node.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    event.stopPropagation(); // the page's own keys wait
    const all = stops(), here = all.indexOf(document.activeElement), typing = document.activeElement instanceof HTMLInputElement;
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, ...(!typing && { Home: 0, End: all.length - 1 }) }[event.key];
    if (event.key === "Escape") { event.preventDefault(); close(); button.focus(); }
    else if (next !== undefined && all.length > 0) { event.preventDefault(); all[(next + all.length) % all.length].focus(); }
  });
  return { node, button, refill, close, face: (nodes) => replace(button, nodes), name: (text) => button.setAttribute("aria-label", text) };
}

// One line of a list that may be chosen. several: a check box, else a radio button.
export const option = (words, { on, several = false, aside = null, run }) => el("button", { type: "button", class: "opt", role: several ? "checkbox" : "radio", "aria-checked": String(on), onclick: run },
  on ? icon("check", "s") : el("i", { class: "ic s" }), el("span", { class: "clip" }, words), el("span", { class: "sp" }), aside !== null && el("span", { class: "t3 num" }, aside));
export const options = (label, several, nodes) => el("div", { role: several ? "group" : "radiogroup", "aria-label": label }, nodes);
export const action = (words, run) => el("button", { type: "button", class: "opt", onclick: run }, words);
// "clips all, 142 ⌄"
export const face = (word, value) => [el("span", { class: "nw" }, word, " ", el("b", {}, value)), icon("chev", "s")];
