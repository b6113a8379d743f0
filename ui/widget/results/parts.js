// Small pieces that the views of the Results page share: words for labels and conditions, figures with their intervals, and the marks of the plots.
// Estimates are {value, low, high, n} with shares of 0 to 1, or a bare share; they are shown as per cent.
import { el, number, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";

export const TASKS = {
  sync: { title: "Sync", edited: "shifted", conditions: "early,delayed" },
  existence: { title: "Existence", edited: "muted", conditions: "muted" },
  consistency: { title: "Consistency", edited: "swapped", conditions: "swapped" },
};
export const ARMS = { audio_video: "audio + video", picture_only: "picture only", sound_only: "sound only", shuffled_picture: "another clip’s picture" };
const LABELS = { audio_described: "heard", visual_only: "picture only", mismatched: "mismatch", desync: "shifted, no direction", error: "no response" };
const CONDITIONS = ["original", "early", "delayed", "muted", "swapped"];

export const labelWord = (label) => LABELS[label] ?? label ?? "–";
export const estimateOf = (one) => (typeof one === "number" ? { value: one, low: null, high: null, n: null } : one?.value === null || one?.value === undefined ? null : one);
export const percent = (share, digits = 1) => number(share === null || share === undefined ? null : share * 100, digits);
export const points = (share, digits = 1) => signed(share === null || share === undefined ? null : share * 100, digits);
export const grouped = (value) => (value === null || value === undefined ? "–" : String(value).replace(/\B(?=(\d{3})+$)/g, " "));
export const plural = (n, one, many = `${one}s`) => `${grouped(n)} ${n === 1 ? one : many}`;

// "88–97", or with `write` "−12.0 … +0.6"; "" where there is no interval.
export function interval(one, write = null) {
  if (one?.low === null || one?.low === undefined || one.high === null) return "";
  return write ? `${write(one.low)} … ${write(one.high)}` : `${percent(one.low, 0)}–${percent(one.high, 0)}`;
}

// An estimate in words, for tooltips and for those who hear the page.
export function said(one, what = "") {
  if (!one) return `${what}: not known`;
  const range = interval(one) && `, 95 % interval ${percent(one.low)} to ${percent(one.high)}`, size = !one.n ? "" : `, n ${one.n}${one.sources && one.sources < one.n ? ` from ${one.sources} sources` : ""}`;
  return `${what ? `${what}: ` : ""}${percent(one.value)} %${range}${size}`;
}

export const condition = (name, words = name) => el("span", { class: `cd ${CONDITIONS.includes(name) ? name : ""}` }, CONDITIONS.includes(name) && icon(name), words);
// What was answered, and whether it is right; null where nothing tells.
export function answered(label, right) {
  const word = labelWord(label);
  if (right === null || right === undefined) return el("span", { class: "st" }, icon("dash"), word);
  return el("span", { class: `st ${right ? "ok" : "bad"}` }, icon(right ? "check" : "x"), word, el("span", { class: "sr" }, right ? ", right" : ", wrong"));
}
export const editOf = (item) => (item.condition === "swapped" ? item.donor || "–" : item.condition === "original" || item.condition === "muted" ? "–" : signed(item.offset_s));

const at = (share) => `${Math.min(100, Math.max(0, share * 100)).toFixed(2)}%`;
const span = (low, high) => ({ left: at(low), width: `${(Math.max(0, Math.min(1, high) - Math.max(0, low)) * 100).toFixed(2)}%` });
const whisker = (one, cls) => one && one.low !== null && one.low !== undefined && el("i", { class: `w ${cls}`, style: span(one.low, one.high) });

// Original as a ring, edited as a diamond, both with their intervals, on 0 to 100; floor: a share, dashed.
export function dots({ original, edited, floor = null, published = false, label }) {
  return el("div", { class: `db${published ? " pub" : ""}`, role: "img", "aria-label": label }, floor !== null && floor !== undefined && el("i", { class: "fl", style: { left: at(floor) } }),
    whisker(original, "a"), whisker(edited, "z"), original && el("b", { class: "o", style: { left: at(original.value) } }), edited && el("b", { class: "i", style: { left: at(edited.value) } }));
}

// One estimate as a bar on its interval, between `from` and `to`, with a line at `zero`.
export function forest(one, { from = 0, to = 1, zero = null, label }) {
  const across = (value) => (value - from) / (to - from);
  return el("div", { class: "one", role: "img", "aria-label": label }, zero !== null && el("i", { class: "z", style: { left: at(across(zero)) } }),
    one && one.low !== null && one.low !== undefined && el("i", { class: "w", style: span(across(one.low), across(one.high)) }), one && el("i", { class: "d", style: { left: at(across(one.value)) } }));
}
export const axis = (...words) => el("span", { class: "sx", "aria-hidden": "true" }, words.map((word) => el("i", {}, word)));

// A link to items: opens them beside what is shown; held with a modifier, or middle-clicked, it is a link like any other.
export function itemsLink(parts, query, content, { label = null, cls = "", title = label, tabindex = null } = {}) {
  if (!query) return el("span", { class: cls, title }, content);
  return el("a", { class: `fig ${cls}`.trim(), href: parts.address({ items: query, item: "" }), "aria-label": label && `${label}. Show the items`, title, tabindex,
    onclick: (event) => { if (plain(event)) { event.preventDefault(); parts.openItems(query); } } }, content);
}
export const plain = (event) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

// Whether the server has this module: it announces those that a page may want.

export const nothing = (title, words, ...more) => el("div", { class: "empty" }, el("h2", {}, title), el("p", { class: "sm" }, words), more);
export const trouble = (error, again) => el("div", { class: "panel empty first-steps", role: "alert" }, el("h2", {}, "This could not be shown"), el("p", { class: "sm" }, error.message),
  el("button", { class: "btn", type: "button", onclick: again }, "Try again"));
