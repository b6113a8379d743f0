// The left half of the build dialog: what to build, as rows of controls over one plain value.
import { el, replace, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";

const STORE = "thud.build";
const LONGEST_S = 60;
const FILLS = { room: "room", silence: "silence", circular: "circular" };
const MUTES = { silence: "digital silence", room: "room tone", drop_stream: "no stream" };
const ALL_ON = { early: true, delayed: true, muted: true, swapped: true };
const byLength = (a, b) => Math.abs(a) - Math.abs(b);

// The server's usual settings as this form holds them, with what was chosen here last time over them.
function beginWith(usual) {
  const fresh = {
    on: { ...ALL_ON, swapped: usual.swap }, early: usual.shifts.filter((x) => x < 0).sort(byLength), delayed: usual.shifts.filter((x) => x > 0).sort(byLength),
    fill: usual.shift_fill, mutes: usual.mutes.length ? usual.mutes : ["silence"], seed: usual.seed,
    balanced: usual.balanced ?? false,
  };
  let held = {};
  try { held = JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch { /* storage is off: the usual settings */ }
  return { ...fresh, ...held, on: { ...fresh.on, ...held.on } };
}
const remember = (model) => { try { localStorage.setItem(STORE, JSON.stringify(model)); } catch { /* storage is off: fresh next time */ } };

// What the server is asked for.
export const toSettings = ({ on, early, delayed, fill, mutes, seed, balanced }) => ({
  shifts: [...(on.early ? early : []), ...(on.delayed ? delayed : [])], shift_fill: fill, mutes: on.muted ? mutes : [], swap: on.swapped, seed, balanced,
});

// {value} in seconds with the row's sign, or {wrong: sentence}.
export function readOffset(text, sign, held) {
  const clean = text.trim().replace("−", "-").replace(",", ".").replace(/\s*s$/, "");
  const number = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(clean) ? Math.abs(Number(clean)) : NaN;
  if (Number.isNaN(number)) return { wrong: "Write seconds, such as 0.6" };
  const value = (sign * Math.round(number * 1000)) / 1000;
  if (value === 0) return { wrong: "0 s is the original" };
  if (number > LONGEST_S) return { wrong: `At most ${LONGEST_S} s` };
  return held.includes(value) ? { wrong: "Already there" } : { value };
}

function seg(choices, { many = false, label, get, set }) {
  const buttons = Object.entries(choices).map(([value, word]) => el("button", { type: "button", [many ? "data-many" : "role"]: many ? "" : "radio", "data-value": value,
    onclick: () => { set(value); mark(); } }, word));
  const mark = () => buttons.forEach((button) => {
    const on = many ? get().includes(button.dataset.value) : get() === button.dataset.value;
    button.setAttribute(many ? "aria-pressed" : "aria-checked", String(on));
    button.tabIndex = many || on ? 0 : -1;
  });
  const node = el("div", { class: "seg s", role: many ? "group" : "radiogroup", "aria-label": label }, ...buttons);
  if (!many) node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = buttons[(buttons.findIndex((b) => b === document.activeElement) + step + buttons.length) % buttons.length];
    set(next.dataset.value);
    mark();
    next.focus();
  });
  mark();
  return node;
}

function offsets(name, model, change) {
  const sign = name === "early" ? -1 : 1;
  const chips = el("span", { class: "row w g4x" });
  const wrong = el("span", { class: "xs bad", role: "alert" });
  const input = el("input", { class: "in s", placeholder: "add, s", "aria-label": `Add an offset, ${name}, in seconds`, inputmode: "decimal", size: "6" });
  let refused = new Map();

  function add() {
    if (!input.value.trim()) { wrong.textContent = ""; input.removeAttribute("aria-invalid"); return true; }
    const { value, wrong: why } = readOffset(input.value, sign, model[name]);
    input.setAttribute("aria-invalid", String(Boolean(why)));
    wrong.textContent = why ?? "";
    if (why) return false;
    input.value = "";
    model[name] = [...model[name], value].sort(byLength);
    draw();
    change();
    return true;
  }
  function draw() {
    replace(chips, ...model[name].map((value) => {
      const odd = refused.get(value);
      return el("button", { type: "button", class: `chip off ${odd ? "warn" : ""}`, title: odd ? `${odd.count} refused: ${odd.reason} Press to remove.` : "Remove",
        "aria-label": `${signed(value, 2)} s, remove${odd ? `; ${odd.count} refused` : ""}`,
        onclick: () => { model[name] = model[name].filter((each) => each !== value); draw(); change(); input.focus(); } },
      odd ? icon("alert", "s") : null, signed(value, Math.round(value * 1000) % 10 ? 3 : 2), icon("x", "s"));
    }));
  }
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) { event.preventDefault(); add(); }
    else if (event.key === "Backspace" && !input.value && model[name].length) { model[name] = model[name].slice(0, -1); draw(); change(); }
  });
  input.addEventListener("change", add);
  draw();
  return { nodes: [chips, input, wrong], markRefused(map) { refused = map; draw(); } };
}

function row(name, on, toggle, ...controls) {
  const box = el("input", { type: "checkbox", "aria-label": `Build ${name}`, disabled: name === "original" });
  box.checked = on;
  const body = el("div", { class: "row w grow" }, ...controls);
  const node = el("div", { class: "bo" }, box, el("span", { class: `cd bl ${name}` }, icon(name), name), body);
  const mark = () => { body.toggleAttribute("inert", !box.checked); node.classList.toggle("out", !box.checked); };
  box.addEventListener("change", () => { toggle(box.checked); mark(); });
  mark();
  return node;
}

// usual: the server's settings; onchange(): they changed; donorsButton ends the swapped row. markRefused(plan.refused) paints the chips.
export function makeSettings({ usual, onchange, donorsButton }) {
  const model = beginWith(usual);
  const change = () => { remember(model); onchange(); };
  const toggle = (name) => (on) => { model.on = { ...model.on, [name]: on }; change(); };
  const early = offsets("early", model, change);
  const delayed = offsets("delayed", model, change);
  const fill = seg(FILLS, { label: "What fills the gap of a shift", get: () => model.fill, set: (value) => { model.fill = value; change(); } });
  const mutes = seg(MUTES, { many: true, label: "Kinds of mute", get: () => model.mutes, set: (value) => {
    const next = model.mutes.includes(value) ? model.mutes.filter((each) => each !== value) : [...model.mutes, value];
    if (next.length) { model.mutes = next; change(); }
  } });
  const balanced = el("input", { type: "checkbox", onchange: () => { model.balanced = balanced.checked; change(); } });
  balanced.checked = model.balanced;
  const seed = el("input", { class: "in s", type: "number", min: "0", step: "1", "aria-label": "Seed of the donors", value: String(model.seed), onchange: () => {
    const value = Number(seed.value);
    if (Number.isSafeInteger(value) && value >= 0) { model.seed = value; change(); } else seed.value = String(model.seed);
  } });
  const node = el("div", { class: "rows" },
    row("original", true, () => {}, el("span", { class: "t2 sm" }, "matched control, always built: the same decode, edit and write as every other row")),
    row("early", model.on.early, toggle("early"), ...early.nodes),
    row("delayed", model.on.delayed, toggle("delayed"), ...delayed.nodes),
    el("div", { class: "bo sub" }, el("span", { class: "sm t3" }, "A shift leaves a gap; fill it with"), fill),
    el("label", { class: "bo sub sm" }, balanced, el("span", {}, "Balanced draw ", el("span", { class: "t3" }, "one early and one delayed per clip so that the sound's position says little"))),
    row("muted", model.on.muted, toggle("muted"), mutes),
    row("swapped", model.on.swapped, toggle("swapped"), el("span", { class: "sm t2" }, "donor: another sound class, event at the original time"),
      el("span", { class: "sp" }), el("label", { class: "row sm t3" }, "seed ", seed), donorsButton));
  return {
    node,
    settings: () => toSettings(model),
    markRefused(refused) {
      // A clip that no shift suits, for one and the same reason (its event time is not known), says nothing about an offset.
      const byClip = Map.groupBy(refused.filter((each) => each.condition === "early" || each.condition === "delayed"), (each) => each.clip);
      const about = (each) => {
        const own = byClip.get(each.clip) ?? [];
        return own.length < toSettings(model).shifts.length || own.some((other) => other.reason !== each.reason);
      };
      for (const [name, part] of [["early", early], ["delayed", delayed]]) {
        const map = new Map();
        for (const value of model[name]) {
          const begin = signed(value, 3);
          const hits = refused.filter((each) => each.condition === name && each.asked.replace("-", "−").startsWith(begin) && about(each));
          if (hits.length) map.set(value, { count: hits.length, reason: hits[0].reason });
        }
        part.markRefused(map);
      }
    },
  };
}
