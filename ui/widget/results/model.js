// One listener: the eight ways to fail, what became of muted, swapped and shifted sound, what it answered, accuracy over offset, and notes.
// Every figure opens the items behind it; which matrix is shown is in the address.
import { get } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { controlsPanel } from "./controls.js";
import { curvePanel } from "./curve.js";
import { bandsTable, kindsTable, matrixTable, whyNot } from "./answers.js";
import { makeMenu, option, options } from "./menu.js";
import { modelPictures } from "./model_picture.js";
import { openNote } from "./notes.js";
import { ARMS, estimateOf, grouped, interval, itemsLink, nothing, percent, plural, said } from "./parts.js";
import { filterQuery } from "./state.js";

const FEW_PUBLISHED = 1, WORDS_FROM = 0.06; // a part of a bar narrower than this has no room for its number
const LOOKS = { right: "f-ok", right_shift: "f-ok2", as_synced: "f-syn", as_shifted: "f-dir", other: "f-other", false_shift: "f-alarm", absent: "f-none" };
const TASK_WORDS = { sync: "Sync", existence: "Existence", consistency: "Consistency", choice: "Choice" };
let allPublished = false; // kept while the page lives

// parts: what page.js gives every view.
export async function show(parts) {
  const board = await parts.board();
  if (!parts.alive()) return null;
  const wanted = parts.state.row || (board.rows.find((row) => row.floor !== "floor") ?? board.rows[0])?.row;
  if (!wanted) {
    parts.title("Model");
    replace(parts.body, el("div", { class: "panel" }, nothing("No listener was asked yet", "This page shows how one listener fails, once it has answered.", parts.ask && el("button", { class: "btn p makes", type: "button", onclick: parts.ask }, "Ask a listener…"))));
    return null;
  }
  const filters = filterQuery(parts.state), found = await get(`/api/results/model?row=${encodeURIComponent(wanted)}${filters && `&${filters}`}`, { signal: parts.signal });
  if (!parts.alive()) return null;
  document.title = `${found.head.listener} · Results · thud`;
  heading(parts, board.rows, found.head);
  const bars = el("div", { class: "tri" });
  drawPanels(parts, found.panels, bars);
  replace(parts.body, tiles(parts, found), controlsPanel(parts, found.controls), bars, el("div", { class: "duo" }, answers(parts, found), curvePanel(parts, found, bandsTable(parts, found.bands))), notes(parts, found));
  return { keys: keys(parts, board.rows, found.head), picture: () => modelPictures(parts, found, matrixOf(found, parts)) };
}

const nameOf = (row) => [row.people ? "people" : ARMS[row.arm] ?? row.arm, row.set?.name].filter(Boolean).join(", ");
const pick = (parts, row) => parts.go({ row, items: "", item: "" });

// Who it is, how it was asked, and the way to the others.
function heading(parts, rows, head) {
  const held = document.activeElement?.closest(".heading") != null;
  const menu = makeMenu({ name: `Listener: ${head.listener}. Choose another`, cls: "btn q s i", face: icon("chev", "s"), title: "Another listener ([ and ])",
    fill: (close) => options("Listener", false, rows.map((row) => option(row.listener, { on: row.row === head.row, aside: nameOf(row), run: () => { close(); pick(parts, row.row); } }))) });
  const { canary } = head, passed = canary && canary.passed === canary.of;
  const day = new Date(head.at).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  parts.title(head.listener, menu.node, el("span", { class: "row facts" }, head.simulated && el("span", { class: "chip dash" }, "simulated"),
    canary && el("span", { class: `chip ${passed ? "" : "bad"}`, title: [canary.words, canary.override].filter(Boolean).join(" ") }, icon(passed ? "check" : "x", "s"), `audio canary ${canary.passed} of ${canary.of}`),
    head.untested && el("span", { class: "chip dash", title: head.untested }, `audio canary: ${head.untested.split(":")[0]}`),
    el("span", { class: "chip" }, ARMS[head.arm] ?? head.arm), head.set?.name && el("span", { class: "chip" }, head.set.name), el("span", { class: "t3 sm clip" }, [plural(head.items, "item"), day, head.run && `run ${head.run.slice(0, 8)}`].filter(Boolean).join(", "))));
  if (held) menu.button.focus();
}

function keys(parts, rows, head) {
  const step = (by) => () => { const at = rows.findIndex(({ row }) => row === head.row), next = rows[at + by]; if (next) pick(parts, next.row); };
  return [{ id: "model-before", key: "[", label: "Listener before", run: step(-1) }, { id: "model-after", key: "]", label: "Next listener", run: step(1) },
    { id: "model-note", key: "n", label: "Write a note on this listener", run: () => openNote(parts, head) }];
}

// ---------- eight ways to fail ----------

function tiles(parts, found) {
  const groups = Object.entries(Object.groupBy(found.axes, ({ group }) => group));
  return el("section", { class: "panel", "aria-label": "Eight ways to fail" }, el("div", { class: "ph" }, el("h2", {}, "Eight ways to fail"), el("span", { class: "t3 sm" }, "rate in %, 95 % interval; 0 is best. Click a cell for the items behind it")),
    el("div", { class: "axs" }, groups.map(([group, all]) => el("div", { class: "axg", style: { flexGrow: String(all.length) } }, el("h3", {}, group), el("div", { class: "axr" }, all.map((axis) => tile(parts, axis, whyNot(axis, found))))))));
}

function tile(parts, axis, missing) {
  const one = estimateOf(axis);
  const inner = [el("span", { class: "row" }, el("b", {}, one ? percent(one.value) : "–"), one && el("span", { class: "ci" }, interval(one))), el("span", { class: "axb" }, el("i")), el("span", { class: "sm" }, axis.title),
    el("span", { class: "xs t3" }, axis.words), el("span", { class: "xs t3" }, one ? `n ${grouped(one.n)}` : missing)];
  const node = one ? itemsLink(parts, axis.items, inner, { label: said(one, `${axis.title}, ${axis.words}`), cls: "axc", title: said(one, axis.title) }) : el("div", { class: "axc no" }, inner);
  node.style.setProperty("--v", `${one ? (one.value * 100).toFixed(1) : 0}%`);
  return node;
}

// ---------- what became of it ----------

const lookOf = (segments, segment) => `${LOOKS[segment.look] ?? "f-other"}${segments.find(({ look }) => look === segment.look) === segment ? "" : " alt"}`;

function drawPanels(parts, panels, host) {
  replace(host, panels.map((panel) => {
    const measured = panel.rows.filter((row) => !row.published), published = panel.rows.filter((row) => row.published), shown = [...measured, ...published.slice(0, allPublished ? Infinity : FEW_PUBLISHED)];
    const more = published.length > FEW_PUBLISHED && el("button", { type: "button", class: "btn q s", "aria-expanded": String(allPublished), onclick: () => {
      allPublished = !allPublished;
      drawPanels(parts, panels, host);
      host.querySelector(`[data-panel="${panel.key}"] [aria-expanded]`)?.focus();
    } }, allPublished ? "Fewer published" : `All ${published.length} published`);
    return el("section", { class: "panel", "data-panel": panel.key, "aria-label": panel.title }, el("div", { class: "ph" }, el("h2", {}, panel.title), el("span", { class: "t3 sm" }, plural(panel.of, "item")), el("span", { class: "sp" }), more),
      el("div", { class: "pb col" }, shown.map((row) => bar(parts, panel, row)), legend(parts, shown)));
  }));
}

function bar(parts, panel, { listener, current, published, segments }) {
  const known = segments.some(({ share }) => share), name = published ? listener.replace(/, published$/, ", publ.") : listener;
  const pieces = segments.filter(({ share }) => share > 0).map((segment) => piece(parts, listener, segments, segment));
  return el("div", { class: `sr3${current ? " on" : ""}` }, el("span", { class: "clip", title: listener }, name),
    known ? el("div", { class: "sb", role: "group", "aria-label": `${panel.title}: ${listener}` }, pieces) : el("span", { class: "t3 sm" }, "not asked"));
}

function piece(parts, listener, segments, segment) {
  const words = `${segment.title}: ${percent(segment.share)} %${segment.count === null ? ", published" : `, ${grouped(segment.count)}`}`, cls = lookOf(segments, segment);
  const inner = segment.share >= WORDS_FROM && el("span", {}, percent(segment.share, 0));
  const node = segment.items ? itemsLink(parts, segment.items, inner || "", { label: `${listener}. ${words}`, cls, title: words }) : el("i", { class: cls, title: words, role: "img", "aria-label": words }, inner);
  node.style.flex = `${segment.share * 100} 1 0`;
  return node;
}

// The parts that any bar shown has; the counts are the listener's own, and lead to its items.
function legend(parts, rows) {
  const { segments } = rows[0], seen = segments.filter((segment, at) => rows.some((row) => row.segments[at]?.share > 0));
  return el("div", { class: "row w kk" }, seen.map((segment) => {
    const inner = [el("i", { class: lookOf(segments, segment) }), segment.title, el("span", { class: "t3 num" }, grouped(segment.count))];
    return segment.count > 0 ? itemsLink(parts, segment.items, inner, { cls: "key", label: `${segment.title}: ${plural(segment.count, "item")}` }) : el("span", { class: "key" }, inner);
  }));
}

// ---------- what it answered ----------

const matrixOf = (found, { state }) => found.matrices.find(({ task }) => task === state.matrix) ?? found.matrices[0] ?? null;

function answers(parts, found) {
  const { matrices, kinds, localise, step, offsets } = found, table = el("div", { class: "tw", role: "region", tabindex: "0", "aria-label": "What it answered" });
  const tabs = el("div", { class: "seg s", role: "radiogroup", "aria-label": "Task" });
  const draw = (matrix) => {
    replace(tabs, matrices.map(({ task }) => el("button", { type: "button", role: "radio", "aria-checked": String(task === matrix.task), tabindex: task === matrix.task ? "0" : "-1", "data-task": task, onclick: () => choose(task) }, TASK_WORDS[task] ?? task)));
    replace(table, matrixTable(parts, matrix));
  };
  const choose = (task) => {
    const held = tabs.contains(document.activeElement);
    parts.state.matrix = task;
    parts.remember({ matrix: task === matrices[0].task ? "" : task });
    draw(matrices.find((each) => each.task === task));
    if (held) tabs.querySelector("[aria-checked=true]").focus();
  };
  tabs.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], all = matrices.map(({ task }) => task);
    if (!by) return;
    event.preventDefault();
    choose(all[(all.indexOf(event.target.dataset.task) + by + all.length) % all.length]);
  });
  if (matrices.length) draw(matrixOf(found, parts));
  return el("section", { class: "panel", "aria-label": "Answers" }, el("div", { class: "ph" }, el("h2", {}, "What it answered"), el("span", { class: "t3 sm clip wide" }, "counts; rows are the truth, outlined cells are right"), el("span", { class: "sp" }), matrices.length > 1 && tabs),
    matrices.length ? table : nothing("No answers", "Nothing of these three tasks was asked under this filter."), kinds.length > 0 && kindsTable(parts, kinds, offsets.floor),
    (localise || step) && el("div", { class: "pf sm t2 col" }, localise && localised(localise), step && sampled(step)));
}

function localised({ words, within }) {
  const each = ({ tolerance_s, coverage }) => coverage && `${tolerance_s} s ${percent(coverage.value)} %${interval(coverage) && ` (${interval(coverage)})`}`;
  const near = within.map(each).filter(Boolean);
  return el("p", {}, el("b", {}, "Localisation."), " ", words, near.length > 0 && el("span", { class: "t3" }, ` Coverage, 95 % interval: ${near.join(", ")}.`));
}

const sampled = ({ words }) => (words.includes("below") ? el("p", { class: "st warn" }, icon("alert"), words) : el("p", { class: "t3" }, words));

// ---------- notes ----------

function notes(parts, { head, notes: all }) {
  const when = (at) => new Date(at).toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  return el("section", { class: "panel", "aria-label": "Notes" }, el("div", { class: "ph" }, el("h2", {}, "Notes"), el("span", { class: "sp" }), el("button", { type: "button", class: "btn s makes", "data-key": "note", onclick: () => openNote(parts, head) }, "Add a note ", el("kbd", {}, "n"))),
    all.length ? el("ul", { class: "said-notes" }, all.map(({ text, actor, at }) => el("li", {}, el("p", {}, text), el("p", { class: "xs t3" }, `${actor}, ${when(at)}`)))) : el("p", { class: "pb sm t3" }, "None yet. What you know about this listener or its run is read here by everybody."));
}
