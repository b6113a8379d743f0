// The leaderboard: a row for every listener as it was asked, measured here; the paper's rows below; what one sense alone can score.
// One row at a time is in the tab order; j and k, or the arrows, go through rows and figures.
import { el, number, replace, signed } from "../base/dom.js";
import { shape } from "../base/annotators.js";
import { icon } from "../base/icons.js";
import { controlsCell } from "./controls.js";
import { answersTitle, drawLegend } from "./filters.js";
import { openNote } from "./notes.js";
import { CELLS, SORTS, cellOf, ordered, pressed } from "./order.js";
import { ARMS, TASKS, axis, dots, estimateOf, forest, interval, itemsLink, nothing, percent, plain, plural, said } from "./parts.js";
import { boardPicture } from "./picture.js";
import { listOf, noFilter } from "./state.js";

const MANY_UNPARSED = 0.1;

// parts: what page.js gives every view.
export async function show(parts) {
  const found = await parts.board();
  if (!parts.alive()) return null;
  const board = { parts, found, rows: ordered(found.rows, parts.state.sort), tasks: Object.keys(TASKS).filter((task) => parts.state.tasks === "" || listOf(parts.state.tasks).includes(task)) };
  parts.title("Do they listen?");
  const held = parts.body.contains(document.activeElement) ? columnOf(document.activeElement) : null, kept = parts.body.querySelector(".lbw");
  const scroll = kept ? [kept.scrollLeft, kept.scrollTop] : null;
  board.table = table(board);
  replace(parts.body, board.table, below(board));
  if (scroll) board.table.scrollTo(...scroll);
  const named = board.rows.find(({ row }) => row === parts.state.row)?.row;
  choose(board, named ?? board.rows[0]?.row ?? null, { mark: named !== undefined, tell: false });
  if (held !== null) focusOn(board, held);
  return { keys: keys(board), picture: () => boardPicture(board) };
}

// ---------- the table ----------

function table(board) {
  const { found, rows, tasks } = board, width = 6 + 2 * tasks.length;
  const group = (words) => el("tr", { class: "grp" }, el("td", { colspan: width }, el("span", { class: "stk" }, words)));
  const body = el("tbody", {}, group(measured(board)), rows.length ? rows.map((row) => measuredRow(board, row)) : el("tr", { class: "none" }, el("td", { colspan: width }, empty(board))),
    found.published.length > 0 && group(publishedWords(found.published[0])), found.published.map((row) => publishedRow(board, row)));
  const node = el("div", { class: "panel tw lbw", tabindex: rows.length ? null : "0", role: "region", "aria-label": "Leaderboard" }, el("table", { class: "lb" }, heads(board), body));
  node.addEventListener("keydown", (event) => arrows(board, event));
  node.addEventListener("focusin", (event) => { const row = event.target.closest("tr[data-row]"); if (row) choose(board, row.dataset.row); });
  node.addEventListener("click", (event) => { const row = event.target.closest("tr[data-row]"); if (row) choose(board, row.dataset.row); });
  return node;
}

function publishedWords(row) {
  const one = cellOf(row, "sync_original"), ours = one?.low !== null && one?.low !== undefined ? `; intervals are ours, from n = ${one.n} (inferred)` : "";
  return `Published, ${row.source || "in a paper"}: other clips, other prompts${ours}. Not ranked with the rows above`;
}

function measured({ found, parts }) {
  const set = found.options.sets.find(({ id }) => id === (parts.state.set || found.filter?.set)), questions = set ? `${set.name} questions` : "all questions";
  return ["Measured in this workspace", plural(found.clips, "clip"), questions, answersTitle(found, parts.state)].join(", ");
}

function heads(board) {
  const { found, tasks, parts: { state, go } } = board, now = state.sort || "gap";
  const sorter = (key, words) => {
    const on = now.replace(/^-/, "") === key;
    return el("button", { type: "button", class: `by${on ? " on" : ""}`, "data-key": `sort-${key}`, "aria-label": `Sort by ${SORTS[key].title}`, onclick: () => go({ sort: pressed(key, state.sort) }) }, words, on && el("span", { "aria-hidden": "true" }, now.startsWith("-") ? " ↓" : " ↑"));
  };
  const order = (...all) => (all.includes(now) ? "ascending" : all.includes(now.replace(/^-/, "")) ? "descending" : null);
  const two = (first, second) => [first, el("br"), second].flat(), full = (words) => el("span", { class: "full" }, words);
  const head = (key, words, cls = "") => el("th", { class: `num ${cls}`.trim(), scope: "col", "aria-sort": order(key) }, sorter(key, words));
  return el("thead", {}, el("tr", { class: "h1r" }, el("th", {}), el("th", { class: "stick" }),
    tasks.map((task) => el("th", { class: "gh", colspan: 2, scope: "colgroup", "aria-sort": order(...CELLS[task]) }, TASKS[task].title, " ", el("span", { class: "t3" }, sorter(CELLS[task][0], "original"), " | ", sorter(CELLS[task][1], TASKS[task].edited)))),
    head("gap", two("average", "gap")), head("dprime", two("d′", "sync")), head("no_answer", two("no answer", "%")), head("alike", two(["sync, ", full("classes "), "alike"], ["alone, other", full(" picture")]), "fln")),
  el("tr", { class: "h2r" }, el("th", { class: "num" }, "#"), el("th", { class: "stick", scope: "col", "aria-sort": order("listener") }, sorter("listener", "listener")),
    tasks.map(() => [el("th", { class: "num dn" }, "%"), el("th", { class: "dv" }, axis("0", "50", "100"))]).flat(), el("th", { class: "num" }, "points"), el("th", {}), el("th", {}), el("th", { class: "fln" })));
}

function measuredRow(board, row) {
  const { found, parts } = board, sure = (query) => `row=${encodeURIComponent(row.row)}&${query}`;
  const gap = estimateOf(row.gap), none = estimateOf(row.no_answer), dprime = estimateOf(row.dprime);
  const many = none !== null && none.value >= MANY_UNPARSED;
  const link = (query, content, label, cls = "") => itemsLink(parts, query, content, { label, cls, tabindex: "-1" });
  return el("tr", { "data-row": row.row, "aria-selected": "false" }, el("td", { class: "num t3 rk" }, row.rank ?? "–"), el("td", { class: "stick nm" }, nameOf(board, row)),
    board.tasks.map((task) => cells(row, task, { floor: task === "sync" ? found.floor?.shifted : null, link: (query, ...rest) => link(sure(query), ...rest) })).flat(),
    el("td", { class: "num gp b", title: gap && said(gap, "Average gap") }, gap ? percent(gap.value) : el("span", { class: "t3" }, "–")),
    el("td", { class: "num" }, dprime ? link(sure("task=sync"), signed(dprime.value, 2), `d′ ${signed(dprime.value, 2)}${dprime.low !== null && dprime.low !== undefined ? `, 95 % interval ${signed(dprime.low, 2)} to ${signed(dprime.high, 2)}` : ""}`) : "–"),
    el("td", { class: "num", title: none && noAnswer(row.no_answer) }, none ? [many && icon("alert", "s warn"), link(sure("label=unparsed,refused,error"), percent(none.value), noAnswer(row.no_answer))] : "–"),
    el("td", { class: "sm fln" }, controlsCell(parts, row, (content, label) => link(sure("task=sync"), content, label))));
}

const noAnswer = ({ value, unparsed, refused, error, n }) => `No answer: ${percent(value)} %; unparsed ${unparsed ?? 0}, refused ${refused ?? 0}, no response ${error ?? 0} of ${n ?? "–"}`;

// The two figures and the plot of one dimension, or why there is nothing.
function cells(row, task, { floor = null, published = false, link }) {
  const [original, edited] = CELLS[task].map((key) => cellOf(row, key)), { title, edited: word, conditions } = TASKS[task];
  if (!original && !edited) return [el("td", { class: "dn t3", colspan: 2 }, row.why_not?.[task] || "not asked")];
  const words = [said(original, `${title}, original`), said(edited, `${title}, ${word}`)], name = row.listener ?? row.name;
  const figure = (one, query, label, cls) => (one ? (link ? link(query, percent(one.value), label, cls) : el("span", { class: cls, title: label }, percent(one.value))) : el("span", { class: "t3" }, "–"));
  return [el("td", { class: "dn" }, el("span", { class: "pr2" }, figure(original, `task=${task}&condition=original`, words[0], ""), figure(edited, `task=${task}&condition=${conditions}`, words[1], "b"))),
    el("td", { class: "dv", title: words.join("; ") }, dots({ original, edited, floor, published, label: `${name}. ${words.join("; ")}` }))];
}

function nameOf(board, row) {
  const { parts, found } = board, { a } = parts.state;
  const several = new Set(found.rows.map(({ set }) => set?.id)).size > 1 && !row.people && row.set?.name;
  const sub = [row.floor === "floor" ? "the leak floor" : row.note || (row.people ? "people" : ARMS[row.arm] ?? row.arm), several].filter(Boolean).join(", ");
  const warnings = [row.warning, ...(row.warnings ?? [])].filter(Boolean), own = row.note_text;
  const name = el("a", { class: "b who", href: parts.address({ view: "model", row: row.row }), tabindex: "-1", title: [row.listener, row.model].filter(Boolean).join("; "),
    onclick: (event) => { if (plain(event)) { event.preventDefault(); parts.go({ view: "model", row: row.row }); } } }, row.listener);
  if (row.canary && row.canary.passed < row.canary.of) warnings.unshift(`Audio canary ${row.canary.passed} of ${row.canary.of}. ${row.canary.words ?? ""}`);
  return el("span", { class: "row" }, row.people ? el("span", { class: "an human" }, shape("human"), name) : name, el("span", { class: "t3 sm sub clip", title: sub }, sub), el("span", { class: "sp" }),
    warnings.length > 0 && el("span", { class: "st warn", title: warnings.join(" ") }, icon("alert", "s"), el("span", { class: "sr" }, warnings.join(" "))),
    own && el("span", { class: "st", title: own }, icon("info", "s"), el("span", { class: "sr" }, `Note: ${own}`)),
    row.simulated && el("span", { class: "chip dash" }, "simulated"), a === row.row && el("span", { class: "chip acc" }, "A"), rowTools(board, row));
}

function rowTools(board, row) {
  const { parts } = board, { a } = parts.state, mine = a === row.row;
  const tool = (words, title, run) => el("button", { type: "button", class: "btn s", tabindex: "-1", title, onclick: run }, words);
  return el("span", { class: "tools" }, tool(mine ? "Not A" : a ? "Compare with A" : "Compare", mine ? "Do not compare this row (c)" : a ? "Open the comparison (x)" : "Mark as A, then choose B (c)", () => (mine ? mark(board, row.row) : add(board, row.row))),
    tool("Note…", "A note on this row (n)", () => note(board, row.row)));
}

function publishedRow(board, row) {
  const gap = estimateOf(row.gap), alike = estimateOf(row.alike);
  return el("tr", { class: "pubr" }, el("td", {}), el("td", { class: "stick nm" }, el("span", { class: "row" }, el("span", {}, row.name), el("span", { class: "t3 sm sub" }, row.size || "size not stated"))),
    board.tasks.map((task) => cells(row, task, { published: true })).flat(), el("td", { class: "num gp", title: gap && said(gap, "Average gap, published") }, gap ? percent(gap.value) : "–"), el("td", { class: "num t3" }, "–"), el("td", { class: "num t3" }, "–"),
    el("td", { class: "num t3 sm fln" }, alike ? percent(alike.value) : "–"));
}

function empty({ found, parts }) {
  if (found.options.listeners.length > 0) return nothing("No row matches", "The filters together let nothing through.", el("button", { class: "btn", type: "button", onclick: () => parts.go(noFilter()) }, "Clear the filters"));
  return nothing("No listener was asked yet", "A listener is a model that is shown clips with their own, a shifted, a foreign or no sound, and says what it hears.",
    parts.ask && el("button", { class: "btn p makes", type: "button", onclick: parts.ask }, "Ask a listener…"));
}

// ---------- rows by keyboard ----------

const rowNode = (board, id) => [...board.table.querySelectorAll("tr[data-row]")].find((tr) => tr.dataset.row === id) ?? null;
const stops = (tr) => (tr ? [...tr.querySelectorAll("a,button")] : []);
const columnOf = (node) => { const tr = node.closest("tr[data-row]"); return tr ? Math.max(0, stops(tr).indexOf(node)) : null; };

// The chosen row is the one in the tab order; it is marked, and the address remembers it, once somebody chose.
function choose(board, id, { mark: marked = true, tell = true } = {}) {
  if (board.chosen === id && board.marked) return;
  for (const [tr, on] of [[rowNode(board, board.chosen), false], [rowNode(board, id), true]]) {
    if (!tr) continue;
    tr.setAttribute("aria-selected", String(on && marked));
    for (const stop of stops(tr)) stop.tabIndex = on ? 0 : -1;
  }
  Object.assign(board, { chosen: id, marked });
  if (tell && id !== null) board.parts.remember({ row: id });
}

function focusOn(board, column = 0) {
  const all = stops(rowNode(board, board.chosen));
  const stop = all[Math.min(column, all.length - 1)];
  stop?.focus({ preventScroll: true });
  stop?.closest("tr").scrollIntoView({ block: "nearest" });
}

function step(board, by) {
  const at = board.rows.findIndex(({ row }) => row === board.chosen), column = board.table.contains(document.activeElement) ? columnOf(document.activeElement) : null;
  const next = board.rows[column === null ? Math.max(0, at) : Math.min(board.rows.length - 1, Math.max(0, at + by))];
  if (!next) return;
  choose(board, next.row);
  focusOn(board, column ?? 0);
}

function arrows(board, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest("tr[data-row]")) return;
  const along = { ArrowRight: 1, ArrowLeft: -1 }[event.key], down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!along && !down) return;
  event.preventDefault();
  if (down) { step(board, down); return; }
  const seen = stops(rowNode(board, board.chosen)).filter((stop) => stop.checkVisibility({ visibilityProperty: true }));
  seen[Math.min(seen.length - 1, Math.max(0, seen.indexOf(document.activeElement) + along))]?.focus();
}

const mark = ({ parts }, row) => parts.go({ a: parts.state.a === row ? "" : row, b: "" });
function add(board, row) {
  const { a } = board.parts.state;
  if (!a || a === row) board.parts.go({ a: row, b: "" });
  else board.parts.go({ view: "compare", a, b: row });
}
const note = (board, id) => { const row = board.rows.find((each) => each.row === id); if (row) openNote(board.parts, row); };

const keys = (board) => [
  { id: "row-next", key: "j", label: "Next row", run: () => step(board, 1) },
  { id: "row-previous", key: "k", label: "Row before", run: () => step(board, -1) },
  { id: "row-open", key: "Enter", label: "Open this listener", run: () => board.chosen && board.parts.go({ view: "model", row: board.chosen }) },
  { id: "row-mark", key: "c", label: "Mark as A for a comparison", run: () => board.chosen && mark(board, board.chosen) },
  { id: "row-add", key: "x", label: "Compare with the marked row", run: () => board.chosen && add(board, board.chosen) },
  { id: "row-note", key: "n", label: "A note on this row", run: () => note(board, board.chosen) },
];

// ---------- below the table ----------

function below(board) {
  const { found, parts } = board;
  drawLegend(parts.legend, found.floor);
  const notes = [el("div", { class: "note" }, icon("info"), el("span", {}, el("b", {}, "Read a row so: "), "a hollow ring far right with a diamond far left is a listener that says “in sync” whatever it hears. The gap is the distance.", found.floor && " A diamond left of the dashed line could have been scored with the picture switched off.")),
    el("div", { class: "note" }, icon("info"), el("span", {}, el("b", {}, "Alone, other: "), "“alone” is the most that a guesser gets who knows only where the sound of these very items lies; “other” is the listener itself under another clip’s picture. Only what is above the first and gone with the second is listening. With few clips the first is more than the audit’s guesser finds, who has to learn on some clips and is tried on others.")),
    ...(found.warnings ?? []).map((each) => warning(parts, each)), ...(found.advice ?? []).map((text) => el("div", { class: "note" }, icon("info"), el("span", {}, text)))];
  return el("div", { class: `two${found.leak?.length ? "" : " one-col"}` }, found.leak?.length > 0 && leak(found), el("div", { class: "col" }, notes));
}

// The first sentence in bold; a link to its items where there are any.
function warning(parts, { level, text, items }) {
  const [, first, rest] = /^(.*?[^\d\s]\.|[^.]*\.)(?=\s|$)(.*)$/s.exec(text) ?? [null, text, ""], query = items?.query ?? items;
  const bad = level === "bad" || level === "error";
  return el("div", { class: `note ${bad ? "bad" : level === "info" ? "" : "warn"}` }, icon(bad ? "x" : level === "info" ? "info" : "alert"), el("span", {}, el("b", {}, first), rest, " ",
    query && itemsLink(parts, query, "See the items", { cls: "linky" })));
}

function leak(found) {
  const chance = found.chance ?? 1 / 3;
  const row = (one) => {
    const fine = /^at /.test(one.verdict ?? "");
    return el("tr", {}, el("td", {}, one.name), el("td", { class: "num b" }, percent(one.value)), el("td", { class: "num ci" }, interval(one, percent).replace(" … ", "–")), el("td", { class: "lk" }, forest(one, { zero: chance, label: said(one, one.name) })),
      el("td", {}, one.verdict && el("span", { class: `st ${fine ? "ok" : "warn"}` }, icon(fine ? "check" : "alert"), one.verdict)), el("td", { class: "t3 sm clip words", title: one.words }, one.words));
  };
  return el("section", { class: "panel leak", "aria-label": "Leak audit" }, el("div", { class: "ph" }, el("h2", {}, "Leak audit: what one sense alone can score on sync, 3 classes"), el("span", { class: "sp" }), el("span", { class: "sm t3 nw" }, `chance ${number(chance * 100, 1)}`)),
    el("div", { class: "tw" }, el("table", { class: "c" }, el("thead", { class: "sr" }, el("tr", {}, ["guesser", "right, %", "95 % interval", "", "verdict", ""].map((word) => el("th", { scope: "col" }, word)))), el("tbody", {}, found.leak.map(row)))));
}

