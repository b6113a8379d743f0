// Accuracy over offset: early left, delayed right, original in the middle, with the fitted curve, the threshold of each direction, and people dotted.
// Lines are a stretched SVG; points are links placed by per cent, so that words and targets keep their size.
import { el, number, signed } from "../base/dom.js";
import { nothing, percent, estimateOf, interval, itemsLink, said } from "./parts.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20];
const MOST_TICKS = 4, RISE = 1.5; // ticks on one side; how far a label stands over its line, in per cent
export const DASHES = { early: null, delayed: "7 3" };

// The span of the axis and its ticks, seconds, even on both sides.
export function spanOf({ points, others }) {
  const far = Math.max(0.1, ...[...points, ...others.flatMap((other) => other.points)].map(({ offset_s }) => Math.abs(offset_s)));
  const step = STEPS.find((each) => Math.ceil(far / each - 1e-9) <= MOST_TICKS) ?? far / MOST_TICKS, count = Math.ceil(far / step - 1e-9), digits = step < 0.1 || step === 0.25 ? 2 : 1;
  return { limit_s: step * count, ticks: Array.from({ length: 2 * count + 1 }, (_, at) => ({ at_s: step * (at - count), words: at === count ? "0" : signed(step * (at - count), digits) })) };
}

// Those whose points are drawn beside: people where they were asked.
export const peopleOf = ({ others }) => others.find(({ name }) => /^people/i.test(name)) ?? null;
// A line per direction, so that nothing is drawn over the middle.
export const linesOf = (points) => [points.filter(({ offset_s }) => offset_s < 0), points.filter(({ offset_s }) => offset_s > 0)].filter((all) => all.length > 1);
export const minus = (words) => words.replace(/-(?=\d)/g, "−");

export function curvePanel(parts, { offsets }, bands) {
  const known = offsets.points.length > 0;
  return el("section", { class: "panel curve", "aria-label": "Accuracy over offset" }, el("div", { class: "ph" }, el("h2", {}, "Accuracy over offset"), el("span", { class: "sp" }), known && [key("early", "early"), key("delayed di", "delayed, dashed")]),
    known ? [el("div", { class: "pb" }, chart(parts, offsets), el("p", { class: "xs t3 cap" }, "offset in s; early is sound before picture. Right direction, %")), told(offsets)] : nothing("No shifted item", "Nothing with its sound moved was asked about under this filter."), bands);
}

const key = (shape, words) => el("span", { class: "key" }, el("i", { class: `ptk ${shape}` }), words);

function chart(parts, offsets) {
  const { limit_s, ticks } = spanOf(offsets), x = (offset_s) => (offset_s / limit_s + 1) * 50, y = (share) => Math.min(1, Math.max(0, share)) * 100, people = peopleOf(offsets), { floor, original } = offsets;
  const line = (points, attrs) => path(points.map(([at_s, share]) => [x(at_s), 100 - y(share)]), attrs);
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const points of people ? linesOf(people.points) : []) svg.append(line(points.map(({ offset_s, value }) => [offset_s, value]), { stroke: "var(--text-3)", "stroke-dasharray": "2 4" }));
  for (const { direction, points } of offsets.curves) svg.append(line(points, { stroke: `var(--${direction})`, "stroke-dasharray": DASHES[direction] }));
  const last = people?.points.at(-1);
  return el("div", { class: "ch", role: "group", "aria-label": "Accuracy over offset" },
    [0, 25, 50, 75, 100].map((tick) => [el("i", { class: "g", style: { bottom: `${tick}%` } }), el("span", { class: "y", style: { bottom: `${tick}%` } }, String(tick))]).flat(),
    ticks.map(({ at_s, words }) => el("span", { class: "x", style: { left: `${x(at_s)}%` } }, words)),
    floor !== null && floor !== undefined && [el("i", { class: "hl", style: { bottom: `${y(floor)}%` } }), el("span", { class: "lab warn", style: { left: "4px", bottom: `${y(floor) + RISE}%` } }, `sound only, shifted ${percent(floor)}`)],
    svg, offsets.curves.map((curve) => thresholdLine(curve, x)), offsets.points.flatMap((point) => dot(parts, point, x(point.offset_s), y, `${point.direction}${point.direction === "delayed" ? " di" : ""}`, `${point.direction} ${signed(point.offset_s)} s`)),
    original && dot(parts, original, 50, y, "ho original", "original"), original && el("span", { class: "lab", style: { left: "51.5%", bottom: `${Math.max(2, y(original.value) - 11)}%` } }, "original"),
    last && el("span", { class: "lab", style: { right: "4px", bottom: `${Math.max(2, y(last.value) - 12)}%` } }, "people, dotted"));
}

function path(points, attrs) {
  const node = document.createElementNS(SVG, "path");
  node.setAttribute("d", points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(2)},${y.toFixed(2)}`).join(" "));
  for (const [name, value] of Object.entries(attrs)) if (value) node.setAttribute(name, value);
  return node;
}

// Seconds with the sign of its direction; null where it lies outside what was tested.
export const thresholdOf = ({ direction, threshold }) => (threshold?.value === null || threshold?.value === undefined ? null : (direction === "early" ? -1 : 1) * Math.abs(threshold.value));

function thresholdLine(curve, x) {
  const at_s = thresholdOf(curve);
  return at_s === null ? null : el("i", { class: `vl ${curve.direction}`, style: { left: `${x(at_s)}%` }, title: minus(curve.words) });
}

function dot(parts, one, left, y, cls, name) {
  const node = itemsLink(parts, one.items, "", { label: said(estimateOf(one), name), cls: `pt ${cls}` });
  Object.assign(node.style, { left: `${left}%`, bottom: `${y(one.value)}%` });
  const whisker = interval(one) && el("i", { class: "wk", style: { left: `${left}%`, bottom: `${y(one.low)}%`, height: `${y(one.high) - y(one.low)}%` } });
  return [whisker, node];
}

// The thresholds in words, and the numbers for those who do not see the chart.
function told({ curves, points, original }) {
  const line = (name, one) => el("li", {}, said(estimateOf(one), name));
  return el("div", { class: "pf sm t2" }, curves.length ? [el("b", {}, "Threshold:"), " ", curves.map(({ words }) => minus(words)).join("; "), "."] : "Too little was asked to fit a curve.",
    el("ul", { class: "sr" }, points.map((point) => line(`offset ${number(point.offset_s)} s`, point)), original && line("original", original)));
}
