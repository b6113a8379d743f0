// Small pieces that the panels of the Train page share: the address, words for states and numbers, waiting for an answer.
import { el, number } from "../base/dom.js";
import { icon } from "../base/icons.js";

const PATH = "/train";
// run: the name of the run that is shown, "" = the newest.
const KEYS = ["run"];
export const STAGES = { sft: "SFT", dpo: "DPO" };
export const KINDS = ["train", "train_export"];

export function readState(search) {
  const params = new URLSearchParams(search);
  return Object.fromEntries(KEYS.map((key) => [key, params.get(key) ?? ""]));
}
export function addressOf(state) {
  const params = new URLSearchParams(KEYS.filter((key) => state[key]).map((key) => [key, state[key]]));
  return params.size ? `${PATH}?${params}` : PATH;
}

const STATES = { waiting: ["clock", "", "waiting"], running: ["play", "acc", "running"], stopping: ["clock", "warn", "stopping"], done: ["check", "ok", "done"], failed: ["x", "bad", "failed"], stopped: ["dash", "", "stopped"], ahead: ["dash", "t3", "ahead"] };
export const active = (state) => ["waiting", "running", "stopping"].includes(state);

// The state of a run or of a step of a chain, always with a glyph and a word.
export function stateOf(one) {
  const [glyph, level, words] = STATES[one.state] ?? STATES.waiting;
  return el("span", { class: `st ${level}` }, icon(glyph), one.state === "stopped" && one.step ? `stopped at ${one.step}` : words);
}

export function bar(done, of, { label, state = "", width = null } = {}) {
  const share = of > 0 ? Math.min(100, Math.floor((100 * done) / of)) : 0, look = { failed: " b", stopped: " w", stopping: " w" }[state] ?? "";
  return el("span", { class: `pg${look}`, role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(share), style: width ? { width } : {} }, el("i", { style: { width: `${state === "done" ? 100 : share}%` } }));
}

// "41 min", "1 h 10 min", "12 s".
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}

// "0.34 s", "73 s": a step's length.
export const perStep = (seconds) => (seconds === null || seconds === undefined ? "" : `${number(seconds, seconds < 10 ? 2 : 0)} s a step`);
export const gigabytes = (value) => `${number(value, value < 10 ? 1 : 0)} GB`;
// 0.0005 → "5e-4", 5e-6 → "5e-6", 0.1 → "0.1": as people write learning rates.
export function rate(value) {
  if (!Number.isFinite(value) || value === 0 || Math.abs(value) >= 0.01) return String(value);
  const [digits, power] = value.toExponential().split("e");
  return `${Number(Number(digits).toPrecision(4))}e${Number(power)}`;
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

// Calls run(…) for the newest question only, a while after the last one was put.
export function lately(run, wait_ms) {
  let timer = 0, asked = 0;
  return (...parts) => {
    clearTimeout(timer);
    const mine = (asked += 1);
    timer = setTimeout(() => run(() => mine === asked, ...parts), wait_ms);
  };
}

// Nodes by name, each made anew only when what it shows has changed: whoever presses or has the focus keeps what is under the pointer.
export class Kept {
  constructor() { this.held = new Map(); }

  node(name, shown, make) {
    const told = JSON.stringify(shown), held = this.held.get(name);
    if (held?.told === told) return held.node;
    const node = make();
    this.held.set(name, { told, node });
    return node;
  }
}

// These children in this order; those that are there already stay where they are.
export function place(into, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...into.childNodes]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, at) => { if (into.childNodes[at] !== node) into.insertBefore(node, into.childNodes[at] ?? null); });
}
