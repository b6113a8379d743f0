// Small pieces that the tabs of the Admin page share: panels, tables, names, figures and the two charts.
import { shape } from "../base/annotators.js";
import { el, number, signed } from "../base/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const TITLES = { gemini: "Gemini", gpt: "GPT", claude: "Claude", signal: "signal" };

export const panel = (title, { lead = null, tools = [], label = title } = {}, ...body) => el("section", { class: "panel adm-panel", "aria-label": label },
  el("div", { class: "ph" }, el("h2", {}, title), lead && el("span", { class: "t3 sm clip lead" }, lead), el("span", { class: "sp" }), tools), body);

// heads: [{text, num?, title?, stick?, cls?}]; rows: <tr> nodes.
export const table = (label, heads, rows) => el("div", { class: "tw", tabindex: "0", role: "region", "aria-label": label },
  el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", class: [head.num && "num", head.stick && "stick", head.cls].filter(Boolean).join(" "), title: head.title }, head.text)))), el("tbody", {}, rows)));
export const cell = (content, cls = "") => el("td", { class: cls }, content);
export const figure = (content, cls = "") => cell(content, `num ${cls}`.trim());
export const nothing = (...words) => el("div", { class: "empty" }, words.map((each) => (each instanceof Node ? each : el("p", { class: "sm" }, each))));

// An annotator's shape and name. people: names of those who are persons.
export function annotator(name, people = []) {
  const look = people.includes(name) ? "person" : Object.hasOwn(TITLES, name) ? name : "other";
  return el("span", { class: `an ${look === "person" ? "human" : look}` }, name === "gold times" ? null : shape(look), el("span", { class: "clip adm-name", title: name }, look === "person" ? name : TITLES[name] ?? name));
}

// Seconds as whole milliseconds, with their sign.
export const ms = (value_s) => signed(value_s === null || value_s === undefined ? null : Math.round(value_s * 1000) || 0, 0);
export const size_ms = (value_s) => number(value_s === null || value_s === undefined ? null : value_s * 1000, 0);
export const percent = (share) => number(share === null || share === undefined ? null : share * 100, 1);
// "12 … 31", or nothing where there is no interval.
export const interval = ({ low, high }, write = ms) => (low === null || high === null ? null : el("span", { class: "ci" }, `${write(low)} … ${write(high)}`));
export const estimate = (one, write = ms) => [write(one.value), " ", interval(one, write)];
export const grouped = (value) => (value === null || value === undefined ? "–" : String(value).replace(/\B(?=(\d{3})+$)/g, " "));
export const when = (at) => (at ? new Date(at).toLocaleString([], { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }) : "–");
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0, left = value;
  while (left >= 1000 && at < units.length - 1) { left /= 1000; at += 1; }
  return `${at ? left.toFixed(1) : left} ${units[at]}`;
}

// Two or more choices, one taken; arrows move. choices: {value: word}.
export function choice(choices, { label, value, onchange }) {
  const buttons = Object.entries(choices).map(([each, word]) => el("button", { type: "button", role: "radio", "aria-checked": String(each === value), tabindex: each === value ? "0" : "-1",
    onclick: () => onchange(each) }, word));
  const node = el("div", { class: "seg s", role: "radiogroup", "aria-label": label }, buttons);
  node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const keys = Object.keys(choices);
    onchange(keys[(keys.indexOf(value) + step + keys.length) % keys.length]);
  });
  return node;
}

// An amount that is a little more than the largest, and good to read on an axis.
export function reach(values, least) {
  const most = Math.max(least, ...values.map(Math.abs));
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((step) => step * unit).find((each) => each >= most);
}

// Points over a field. points: [[x, y]]; x: [low, high]; y: the largest size shown; lines: [{at, label, strong?}]. y in seconds, written in ms.
export function scatter({ points, x, y, lines = [], label, xWords }) {
  const [low, high] = x, across = (value) => ((value - low) / (high - low || 1)) * 100, up = (value) => 50 - (value / y) * 50;
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of [["viewBox", "0 0 100 100"], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  const inside = points.filter(([, value]) => Math.abs(value) <= y);
  svg.append(path("dots", inside.map(([at, value]) => `M${across(at).toFixed(2)} ${up(value).toFixed(2)}h0`).join("")));
  const rules = lines.filter((line) => Math.abs(line.at) <= y).map((line) => [el("i", { class: line.strong ? "rl strong" : "rl", style: { top: `${up(line.at)}%` } }),
    line.label && el("span", { class: "lab", style: { top: `${up(line.at)}%`, transform: "translateY(-50%)", right: "0" } }, line.label)]);
  const ticks = [y, y / 2, 0, -y / 2, -y].map((value) => [el("i", { class: "g", style: { top: `${up(value)}%` } }), el("span", { class: "y", style: { bottom: `${100 - up(value)}%` } }, ms(value))]);
  const feet = [low, (low + high) / 2, high].map((value) => el("span", { class: "x", style: { left: `${across(value)}%` } }, xWords(value)));
  return el("div", { class: "ch adm-ch", role: "img", "aria-label": label }, ticks.flat(), svg, rules.flat().filter(Boolean), feet);
}

function path(cls, d) {
  const node = document.createElementNS(SVG, "path");
  node.setAttribute("class", cls);
  node.setAttribute("d", d);
  return node;
}
