// What stands beside every accuracy on sync: what the sound alone allows, what is left under another clip's picture, and whether that is listening.
// Shares are of classes alike: one that says the same to everything has a third of them.
import { el } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { chance } from "../base/numbers.js";
import { axis, estimateOf, forest, interval, percent, points, said } from "./parts.js";

const GLYPHS = { "not above": ["alert", "warn"], "not known": ["info", ""] };
const OTHER = "under another clip’s picture";
const TITLE = "Sync, classes alike";
// Above what the sound alone allows is half of it: the other half is that it falls to that under another picture.
const PICTURE = { true: ["check", "ok"], false: ["alert", "warn"], null: ["info", ""] };
const glyphOf = ({ listening, by_picture }) => (listening === "above" ? PICTURE[String(by_picture)] : GLYPHS[listening] ?? [null, ""]);

// The cell of the leaderboard: the accuracy, which leads to its items, and both controls below it. link(content, label): to those items.
export function controlsCell(parts, row, link) {
  const { controls, alike } = row, one = estimateOf(alike);
  if (!controls || !one) return el("span", { class: "t3" }, "–");
  const [glyph, level] = glyphOf(controls), alone = estimateOf(controls.ceiling), other = estimateOf(controls.shuffled);
  const words = [alone && said(alone, "What the sound alone allows"), other ? said(other, OTHER) : controls.ask && `not asked ${OTHER}`].filter(Boolean).join("; ");
  const second = other ? `other ${percent(other.value, 0)}` : controls.ask && askButton(parts, controls.ask, "ask other", { cls: "by in-cell", tabindex: "-1" });
  return el("span", { class: "held", title: `${controls.words} ${words}` }, el("span", { class: "row f3" }, glyph && icon(glyph, `s ${level === "ok" ? "acc" : level || "t3"}`), el("span", { class: "sp" }), link(el("b", { class: "t1" }, percent(one.value)), `${said(one, TITLE)}. ${words}. ${controls.words}`)),
    el("span", { class: "row xs t3" }, `alone ${percent(alone?.value ?? null, 0)}`, el("span", { class: "sp" }), second));
}

// Asks for the control that is not there; nothing for those who may not ask.
export function askButton(parts, wanted, words, { cls = "btn s", tabindex = null } = {}) {
  return parts.askFor && el("button", { type: "button", class: `${cls} makes`, tabindex, "aria-label": `Ask ${wanted.listener} ${OTHER}`, title: `Ask ${wanted.listener} the same ${OTHER}`, onclick: (event) => { event.stopPropagation(); parts.askFor(wanted); } }, words);
}

// One listener: its accuracy, both controls, and the sentence.
export function controlsPanel(parts, controls) {
  if (!controls) return null;
  const rows = [[TITLE, controls.accuracy], ["Under another clip’s picture", controls.shuffled, controls.ask], ["The sound alone allows", controls.ceiling]].filter(([, one, ask]) => estimateOf(one) || ask || one === controls.ceiling);
  return panel("Is it listening?", controls, table(["right, %", "95 %", axis("0", "50", "100")], rows.map(([name, found, ask]) => {
    const one = estimateOf(found), ceiling = estimateOf(controls.ceiling)?.value ?? null;
    return [name, el("b", {}, one ? percent(one.value) : "–"), el("span", { class: "ci" }, ask ? askButton(parts, ask, "Ask…") ?? "not asked" : (one && found !== controls.ceiling && interval(one)) || "–"), found === controls.ceiling ? el("span", { class: "t3 xs", title: found.how }, found.how) : forest(one, { zero: ceiling, label: said(one, name) })];
  })));
}

// Two listeners: the same of both, on the items that both answered, and whether the gain counts.
export function comparedPanel(parts, found) {
  const told = found.listening;
  if (!told) return null;
  const line = (name, pick) => [name, ...["a", "b"].map((side) => figure(parts, told[side], pick)), ...(pick === "accuracy" ? apart(told) : ["", "", ""])];
  return panel("Is the gain listening?", { words: told.words, glyph: PICTURE[String(told.counts)] }, table(["A", "B", "B − A", "95 % interval", "p"], [line(TITLE, "accuracy"), line("Under another clip’s picture", "shuffled"), line("The sound alone allows", "ceiling")]));
}

// B − A, its interval and p; by which test is in the tip of p.
function apart(told) {
  const one = estimateOf(told.difference), tip = [told.test_words, one?.n && `n ${one.n} from ${one.sources} sources`].filter(Boolean).join("; ");
  return [points(one?.value ?? null), el("span", { class: "ci" }, one ? interval(one, points) || "–" : "–"), el("span", { title: tip }, chance(told.p))];
}

function figure(parts, controls, pick) {
  const one = estimateOf(controls?.[pick]);
  if (!one) return pick === "shuffled" && controls?.ask ? askButton(parts, controls.ask, "Ask…") ?? "not asked" : "–";
  return el("span", { title: said(one) }, el("b", {}, percent(one.value)), " ", pick !== "ceiling" && el("span", { class: "ci" }, interval(one)));
}

function panel(title, controls, body) {
  const [glyph, level] = controls.glyph ?? glyphOf(controls);
  return el("section", { class: "panel listening", "aria-label": title }, el("div", { class: "ph" }, el("h2", {}, title), el("span", { class: `st ${level}` }, glyph && icon(glyph), controls.words)), body);
}

const table = (heads, rows) => el("div", { class: "tw" }, el("table", { class: "c bc held-by" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), heads.map((words) => el("th", { scope: "col", class: "num" }, words)))),
  el("tbody", {}, rows.map(([name, ...cells]) => el("tr", {}, el("th", { scope: "row" }, name), cells.map((cell, at) => el("td", { class: at === 2 && typeof cell === "object" ? "fo2" : "num" }, cell)))))));
