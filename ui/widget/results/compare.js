// Two rows side by side: is the difference real, where, how sure, what could this test set have shown, and the items that flipped.
import { get } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { chance } from "../base/numbers.js";
import { comparedPanel } from "./controls.js";
import { ItemRows, ItemTable } from "./items.js";
import { face, makeMenu, option, options } from "./menu.js";
import { ARMS, TASKS, axis, estimateOf, forest, grouped, interval, itemsLink, nothing, percent, plural, points, said } from "./parts.js";
import { comparePicture } from "./picture.js";
import { filterQuery } from "./state.js";

const FLIPS = { a_wrong: "A wrong, B right", b_wrong: "A right, B wrong", all: "all" };

export async function show(parts) {
  const board = await parts.board();
  if (!parts.alive()) return null;
  parts.title("Is the difference real?");
  const { a, b } = chosen(board.rows, parts.state);
  if (!a || !b) {
    replace(parts.body, el("div", { class: "panel" }, nothing("Nothing to compare yet", "A comparison needs two listeners that were asked the same items.", parts.ask && el("button", { class: "btn p makes", type: "button", onclick: parts.ask }, "Ask a listener…"))));
    return null;
  }
  const pair = `a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`, filters = filterQuery(parts.state);
  const found = await get(`/api/results/compare?${pair}${filters && `&${filters}`}`, { signal: parts.signal });
  if (!parts.alive()) return null;
  const flipped = el("section", { class: "panel flips", "aria-label": "Items that flipped" });
  replace(parts.body, pickers(parts, board, { a, b }, found), el("p", { class: "verdict" }, el("b", {}, found.verdict.answer), " ", found.verdict.text), comparedPanel(parts, found), table(parts, found), flipped);
  const list = await drawFlips(parts, found, flipped, pair);
  return { keys: list ? list.keys() : [], picture: () => comparePicture(parts, found), list };
}

// Those of the address; else the chosen row and the best other one.
function chosen(rows, { a, b, row }) {
  const ids = rows.filter((each) => each.floor !== "floor").map((each) => each.row), known = (id) => ids.includes(id);
  const first = known(a) ? a : known(row) && row !== b ? row : ids.find((id) => id !== b);
  return { a: first, b: known(b) && b !== first ? b : ids.find((id) => id !== first) };
}

function pickers(parts, board, pair, found) {
  const name = (id) => { const row = board.rows.find((each) => each.row === id); return row ? row.listener : "–"; };
  const picker = (key, other) => el("span", { "data-key": key }, makeMenu({ name: `${key.toUpperCase()}: ${name(pair[key])}`, cls: "in", face: [el("span", { class: "t3" }, key.toUpperCase()), ...face("", name(pair[key]))],
    fill: (close) => options(key.toUpperCase(), false, board.rows.map((row) => option(row.listener, { on: row.row === pair[key], aside: row.people ? "people" : ARMS[row.arm] ?? row.arm,
      run: () => { close(); parts.go(row.row === pair[other] ? { a: pair.b, b: pair.a } : { ...pair, [key]: row.row }); } }))) }).node);
  return el("div", { class: "row w picks" }, picker("a", "b"), el("span", { class: "t3" }, "against"), picker("b", "a"), el("button", { class: "btn q", type: "button", "data-key": "turn", onclick: () => parts.go({ a: pair.b, b: pair.a }) }, "Turn round"),
    el("span", { class: "sp" }), el("span", { class: "sm t3" }, `same ${plural(found.items, "item")}, paired by clip`));
}

function table(parts, found) {
  const heads = [["right, %", ""], ["A", "num"], ["B", "num"], ["B − A", "num"], ["95 % interval", "num"], [axis("−100", "0", "+100"), "fo"], ["A only", "num w2", "A right where B was wrong"], ["B only", "num w2", "B right where A was wrong"],
    ["McNemar p", "num"], ["Holm p", "num"], ["can show", "num", `smallest difference ${found.clips} clips would show with power 0.8`]];
  return el("div", { class: "panel" }, el("div", { class: "tw", tabindex: "0", role: "region", "aria-label": "Differences" }, el("table", { class: "cmpt" }, el("thead", {}, el("tr", {}, heads.map(([words, cls, title]) => el("th", { scope: "col", class: cls, title }, words)))),
    el("tbody", {}, found.cells.map((cell) => row(parts, found, cell))))), found.note && el("p", { class: "pf sm t3" }, found.note));
}

// All items of one cell of one listener; "sync_shifted" is two conditions.
function itemsOf(row, key) {
  const [task, word] = key.split("_"), conditions = word === "original" ? word : TASKS[task]?.conditions;
  return `row=${encodeURIComponent(row)}&task=${task}${conditions ? `&condition=${conditions}` : ""}`;
}

function row(parts, found, cell) {
  const one = estimateOf(cell.difference), a = estimateOf(cell.a), b = estimateOf(cell.b);
  const figure = (estimate, side) => (estimate ? itemsLink(parts, itemsOf(found[side].row, cell.cell), percent(estimate.value), { label: `${cell.title}. ${said(estimate, found[side].listener)}` }) : "–");
  const only = (count, items, who) => (count > 0 ? itemsLink(parts, items, grouped(count), { label: `${cell.title}: ${grouped(count)} where only ${who} is right` }) : grouped(count));
  const size = one && `, n ${one.n ?? "–"}`;
  return el("tr", {}, el("td", {}, cell.title), el("td", { class: "num" }, figure(a, "a")), el("td", { class: "num" }, figure(b, "b")), el("td", { class: "num b" }, one ? points(one.value) : "–"), el("td", { class: "num ci" }, one ? interval(one, points) : "–"),
    el("td", { class: "fo", title: one && `${points(one.value)} points, ${interval(one, points)}${size}` }, forest(one, { from: -1, to: 1, zero: 0, label: one ? `${cell.title}: B minus A ${points(one.value)} points, 95 % interval ${interval(one, points)}${size}` : cell.title })),
    el("td", { class: "num w2" }, only(cell.a_only, cell.items_a, "A")), el("td", { class: "num w2" }, only(cell.b_only, cell.items_b, "B")), el("td", { class: "num" }, chance(cell.p)), el("td", { class: "num" }, chance(cell.holm)), el("td", { class: "num t2" }, percent(cell.can_show)));
}

async function drawFlips(parts, found, panel, pair) {
  const flip = Object.hasOwn(FLIPS, parts.state.flip) ? parts.state.flip : "a_wrong", counts = { ...found.flipped, all: null };
  const tabs = el("div", { class: "seg s", role: "radiogroup", "aria-label": "Which items", "data-key": "flips" }, Object.entries(FLIPS).map(([key, words]) => el("button", { type: "button", role: "radio", "aria-checked": String(key === flip), tabindex: key === flip ? "0" : "-1",
    onclick: () => parts.go({ flip: key === "a_wrong" ? "" : key }) }, counts[key] === null ? words : `${words} ${grouped(counts[key])}`)));
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], keys = Object.keys(FLIPS);
    if (!step) return;
    event.preventDefault();
    parts.go({ flip: keys[(keys.indexOf(flip) + step + keys.length) % keys.length] });
  });
  const head = el("div", { class: "ph" }, el("h2", {}, "Items that flipped"), tabs, el("span", { class: "sp" }), el("span", { class: "sm t3 wide" }, el("kbd", {}, "j"), " ", el("kbd", {}, "k"), " move, ", el("kbd", {}, "space"), " open"));
  replace(panel, head, el("div", { class: "adm-wait", "aria-hidden": "true" }, Array.from({ length: 6 }, () => el("i", { class: "sk" }))));
  const rows = new ItemRows(flip === "all" ? pair : `${pair}&flip=${flip}`, parts.state);
  try { await rows.more(); await rows.find(parts.state.item); } catch (error) {
    if (parts.alive()) replace(panel, head, el("div", { class: "empty" }, icon("alert"), el("p", { class: "sm" }, error.message), el("button", { class: "btn", type: "button", onclick: () => parts.again() }, "Try again")));
    return null;
  }
  if (!parts.alive()) return null;
  const list = new ItemTable(rows, { two: true, label: "Items that flipped", chosen: parts.state.item, onopen: (item) => parts.go({ items: "", item: item.response }) });
  replace(panel, head, list.node);
  return list;
}
