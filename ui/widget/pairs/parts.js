// Small pieces that the panels of the Pairs page share: the address, words for types, numbers, bars.
import { el } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { grouped } from "../results/parts.js";

const PATH = "/pairs";
// set: which one; the others say which of its pairs are gone through; pair: the number of the one that is shown.
const KEYS = ["set", "type", "split", "condition", "check", "held", "word", "pair"];
export const FILTERS = KEYS.slice(1, -1);

export function readState(search) {
  const params = new URLSearchParams(search);
  return Object.fromEntries(KEYS.map((key) => [key, params.get(key) ?? ""]));
}
export function addressOf(state) {
  const params = new URLSearchParams(KEYS.filter((key) => state[key] !== "" && state[key] !== null).map((key) => [key, state[key]]));
  return params.size ? `${PATH}?${params}` : PATH;
}
// All pairs of a set, from the first one on.
export const noFilter = () => Object.fromEntries([...FILTERS, "pair"].map((key) => [key, ""]));

// Pairs that are held back are looked at where somebody asks for a check or for them.
export function rowsQuery(state, more) {
  const asked = { ...state, held: state.held === "all" ? "" : state.held || (state.check ? "" : "no") };
  return new URLSearchParams([...FILTERS.filter((key) => asked[key]).map((key) => [key, asked[key]]), ...Object.entries(more)]).toString();
}

export const count = (value) => grouped(value).replaceAll(" ", "\u202f");
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const percent = (part, all) => (all ? `${Math.round((100 * part) / all)} %` : "–");

const NAMES = { shift: "Shift", mute: "Mute", swap: "Swap", input: "Input", relate: "Relate", imported: "Imported" };
export const typeName = (type) => NAMES[type] ?? type;
const FILLS = { CTP: "f-ok", shift: "f-ok2", mute: "f-other", swap: "f-alarm", "FV-D": "f-dir", "FV-A-L": "f-syn", OP: "f-op", SP: "f-sp", "FV-A": "f-fva", "LV-MCQA": "f-lv", input: "f-in" };
export const fillOf = (type) => FILLS[type] ?? "f-ok2";

// Counts by type as one bar: patterns carry the type, colour helps.
export function bar(counts, label) {
  const parts = Object.entries(counts).filter(([, n]) => n > 0), all = parts.reduce((sum, [, n]) => sum + n, 0);
  return el("div", { class: "sb", role: "img", "aria-label": label }, parts.length === 0 ? el("i", { class: "f-none", style: { flex: "1" } }) : parts.map(([type, n]) =>
    el("i", { class: fillOf(type), style: { flex: String(n) }, title: `${typeName(type)} ${count(n)}` }, n / all > 0.09 && el("span", {}, typeName(type)))));
}

export const status = (level, ...words) => el("span", { class: `st ${level}` }, icon({ ok: "check", warn: "alert", bad: "x", info: "info" }[level]), el("span", {}, words));
// A line of a list of facts; run: what its head opens.
export const fact = (level, head, words, run = null) => el("li", {}, status(level, run ? el("button", { class: "linky", type: "button", onclick: run }, head) : head), el("span", { class: "t2" }, words));
export const note = (level, ...words) => el("div", { class: `note ${level}`, role: level === "bad" ? "alert" : null }, icon(level === "bad" ? "x" : level === "warn" ? "alert" : "info"), el("span", {}, words));
export const panel = (title, ...head) => {
  const body = el("div", { class: "pbody" }), top = el("div", { class: "ph" }, el("h2", {}, title), head);
  return { node: el("section", { class: "panel", "aria-label": title }, top, body), body, head: top };
};

const LABELS = { synced: "in sync", early: "early", delayed: "delayed", muted: "silent", audio_described: "heard", mismatched: "mismatch", match: "match" };
export const labelWord = (label) => LABELS[label] ?? label ?? "";

export const RUNS = ["pairs", "pairs_import", "pairs_export", "rewrite"];
export const MAKING = ["pairs", "pairs_import", "rewrite"];
