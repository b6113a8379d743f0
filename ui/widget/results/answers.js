// Tables of one listener's page: what was shown against what was answered, right answers by sound class and by size of the offset; and why a figure is missing.
import { el } from "../base/dom.js";
import { axis, condition, estimateOf, forest, grouped, interval, itemsLink, labelWord, percent, plural, said } from "./parts.js";

const LINE_PX = 25, MOST_LINES = 9; // more lines than this scroll, unless there is room beside

// The tint says the same as the count: its share of what was shown.
export function matrixTable(parts, { columns, rows }) {
  const first = columns.findIndex(({ outcome }) => outcome), edge = (at) => (at === first ? " na1" : "");
  const head = columns.map(({ label }, at) => el("th", { scope: "col", class: `num${edge(at)}` }, labelWord(label)));
  return el("table", { class: "c cmx" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "shown"), head, el("th", { scope: "col", class: "num" }, "n"))),
    el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, condition(row.condition)), row.cells.map((cell, at) => matrixCell(parts, row, cell, `${columns[at].outcome ? " na" : ""}${edge(at)}`)), el("td", { class: "num t3" }, grouped(row.n))))));
}

function matrixCell(parts, row, { label, count, right, items }, more) {
  const words = `${row.condition}, answered ${labelWord(label)}: ${grouped(count)} of ${grouped(row.n)}${right ? ", right" : ""}`;
  const td = el("td", { class: `num hm${right ? " hit" : ""}${more}` }, count > 0 ? itemsLink(parts, items, grouped(count), { label: words, title: words }) : el("span", { class: "t3", title: words }, "0"));
  td.style.setProperty("--v", `${row.n ? Math.round(100 * count / row.n) : 0}%`);
  return td;
}

// One line per estimate: name, n, share right with its interval, and the same drawn; floor: a share, dashed.
function estimates(parts, { label, head, rows, floor = null, name }) {
  return el("div", { class: "tw bcw", style: { flexBasis: `${LINE_PX * Math.min(rows.length + 1, MOST_LINES) + 2}px` }, role: "region", tabindex: "0", "aria-label": label }, el("table", { class: "c bc" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, head), ["n", "right, %", "95 %"].map((word) => el("th", { scope: "col", class: "num" }, word)), el("th", { scope: "col" }, axis("0", "50", "100")))),
    el("tbody", {}, rows.map((row) => {
      const one = estimateOf(row), words = said(one, name(row));
      return el("tr", {}, el("td", { class: "clip", title: name(row) }, name(row)), el("td", { class: "num t3" }, grouped(row.n)), el("td", { class: "num b" }, one ? itemsLink(parts, row.items, percent(one.value), { label: words }) : "–"), el("td", { class: "num ci", title: row.sources ? `from ${plural(row.sources, "source")}` : null }, (one && interval(one)) || "–"),
        el("td", { class: "fo2" }, forest(one, { zero: floor, label: words })));
    }))));
}

export const kindsTable = (parts, kinds, floor) => estimates(parts, { label: "By sound class", head: /task=sync/.test(kinds[0].items) ? "shifted, by sound class" : "edited, by sound class", rows: kinds, floor, name: ({ kind }) => kind || "no class" });
export const bandsTable = (parts, bands) => (bands.length ? estimates(parts, { label: "By size of the offset", head: "3 classes, by size of offset", rows: bands, name: ({ title }) => title }) : null);

// Why an axis has no value: it was not asked, or it counts among items of which there are none.
export const whyNot = ({ key }, { matrices }) => (key === "direction_confusion" && matrices.some(({ task }) => task === "sync") ? "it flagged nothing" : "not asked");
