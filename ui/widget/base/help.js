// Every key that works here: shown, changed, put back, or all switched off.
import { openDialog } from "./dialog.js";
import { el, replace } from "./dom.js";
import { activeBindings, keyOf, keysOff, namesOf, remap, setKeysOff } from "./keys.js";

const WORDS = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "esc", Enter: "↵", Home: "home", End: "end" };
export const keyWord = (key) => key.split(/\+(?=.)/).map((part) => WORDS[part] ?? (part.length === 1 ? part : part.toLowerCase())).join(" ");
const ALONE = new Set(["Shift", "Control", "Alt", "Meta", "CapsLock", "Tab"]);

function keyButton(binding, all, said, redraw) {
  const button = el("button", { class: "btn s key", "aria-label": `${binding.label}: ${keyWord(keyOf(binding))}. Change the key` }, el("kbd", {}, keyWord(keyOf(binding))));
  button.addEventListener("click", () => {
    replace(button, "press a key…");
    button.classList.add("listening");
    const stop = () => { button.removeEventListener("keydown", take, true); button.removeEventListener("blur", leave); };
    const leave = () => { stop(); redraw(); };
    function take(event) {
      if (ALONE.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      stop();
      const [key] = namesOf(event);
      const owner = all.find((other) => other !== binding && keyOf(other) === key);
      if (event.key === "Escape") said.textContent = "The key stays as it was.";
      else if (owner) said.textContent = `${keyWord(key)} is taken by “${owner.label}”.`;
      else { remap(binding.id, key === binding.key ? null : key); said.textContent = `${binding.label}: ${keyWord(key)}.`; }
      redraw(binding.id);
    }
    button.addEventListener("keydown", take, true);
    button.addEventListener("blur", leave);
  });
  return button;
}

export function openHelp(root, { onclose = null } = {}) {
  const all = activeBindings().filter((binding) => !binding.hidden);
  const said = el("p", { class: "sm t2", role: "status" });
  const list = el("dl", { class: "key-list" });
  const off = el("input", { type: "checkbox", onchange: () => { setKeysOff(off.checked); } });
  off.checked = keysOff();

  function redraw(focusId = null) {
    replace(list, ...all.map((binding) => {
      const button = keyButton(binding, all, said, redraw);
      button.dataset.binding = binding.id;
      return el("div", {}, el("dt", {}, binding.label), el("dd", {}, button));
    }));
    if (focusId) list.querySelector(`[data-binding="${CSS.escape(focusId)}"]`)?.focus();
  }
  redraw();
  openDialog(root, {
    title: "Keys", cls: "narrow", onclose, lead: el("span", { class: "t2" }, "what works on this page; press a key's button to change it"),
    body: el("div", { class: "pb col g12" }, list, said),
    foot: el("div", { class: "ph end" }, el("label", { class: "fl" }, off, el("span", {}, "Keys off (only ? and esc stay)")), el("span", { class: "sp" }),
      el("button", { class: "btn q", onclick: () => { for (const binding of all) remap(binding.id, null); said.textContent = "All keys are as delivered."; redraw(); } }, "Put all back")),
  });
}
