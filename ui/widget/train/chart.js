// Charts over the steps of a run. Lines are a stretched SVG; words and points are placed by per cent, so that they keep their size.
import { el, number, replace } from "../base/dom.js";
import { between } from "../base/numbers.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST_POINTS = 600, APART = 11, EDGE = 70; // points of a line that are drawn; how far apart labels stand, in per cent of the height; from where on labels stand outside

// Ticks of an axis that holds low to high: at most `most` of them, at round numbers.
export function ticksOf(low, high, most = 5) {
  const span = Math.max(high - low, 1e-9), rough = span / (most - 1), size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * size).find((each) => Math.floor(high / each + 1e-9) - Math.ceil(low / each - 1e-9) + 1 <= most) ?? 10 * size;
  const first = Math.floor(low / step + 1e-9), last = Math.max(first + 1, Math.ceil(high / step - 1e-9)), digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9) + (step / size === 2.5 ? 1 : 0)));
  return Array.from({ length: last - first + 1 }, (_, at) => ({ at: (first + at) * step, words: number((first + at) * step, digits) }));
}

// Means that follow a line from its left: what a point adds fades over `over` points.
export function smooth(points, over) {
  let mean = null;
  return points.map(([step, value]) => [step, mean = mean === null ? value : mean + (value - mean) * 2 / (over + 1)]);
}

// At most `most` points: of each stretch the lowest and the highest, so that no spike is lost.
export function fewer(points, most = MOST_POINTS) {
  if (points.length <= most) return points;
  const size = Math.ceil((2 * points.length) / most), kept = [];
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size), by = [...part].sort((a, b) => a[1] - b[1]), ends = [by[0], by.at(-1)].sort((a, b) => a[0] - b[0]);
    kept.push(...(ends[0] === ends[1] ? [ends[0]] : ends));
  }
  return kept;
}

// The low and high that an axis has to hold; single spikes do not squeeze the rest. held: values that have to be seen whole.
export function reach(values, held = []) {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b), cut = known.length > 40 ? Math.floor(known.length / 100) : 0;
  const all = [...known.slice(cut, known.length - cut), ...held.filter(Number.isFinite)];
  if (all.length === 0) return [0, 1];
  const low = Math.min(...all), high = Math.max(...all);
  return low === high ? [low - Math.max(0.5, Math.abs(low) / 2), high + Math.max(0.5, Math.abs(high) / 2)] : [low, high];
}

const path = (points, { colour = "--text", thin = false, dash = null }) => {
  const node = document.createElementNS(SVG, "path");
  node.setAttribute("d", points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(2)},${y.toFixed(2)}`).join(" "));
  node.style.stroke = `var(${colour})`;
  if (thin) node.style.strokeWidth = "1";
  if (dash) node.style.strokeDasharray = dash;
  return node;
};

function point(dot, x, y) {
  const node = el("i", { class: `pt ${dot.cls}`, style: { left: `${x(dot.step)}%`, bottom: `${y(dot.value)}%` } });
  node.style.setProperty("--c", `var(${dot.colour ?? "--accent"})`);
  return node;
}

// Heights of labels so that none stands on another: each as near as may be to where it belongs. at: per cent from below.
export function apart(labels, gap = APART) {
  const placed = [...labels].sort((a, b) => a.at - b.at);
  placed.forEach((one, n) => { one.at = n ? Math.max(one.at, placed[n - 1].at + gap) : Math.max(one.at, 3); });
  const over = (placed.at(-1)?.at ?? 0) - 97;
  if (over > 0) placed.reverse().forEach((one, n) => { one.at = n ? Math.min(one.at, placed[n - 1].at - gap) : one.at - over; });
  return labels;
}

// One panel with a chart. plot: {title, lead, of: last step of the run, now: step it is at, lines: [{name, points: [[step, value]], colour, thin, dash, silent}],
// dots: [{step, value, cls, colour}], rule: {value, words}|null, ends: [{value, words, icon, cls}], note, low, high, digits, unit}.
export class Chart {
  constructor({ onhover }) {
    this.lead = el("span", { class: "sm t3 clip", "aria-hidden": "true" });
    this.title = el("h2");
    this.tools = el("span", { class: "row" });
    this.frame = el("div", { class: "ch", tabindex: "0", role: "slider", "aria-valuemin": "0" });
    this.cross = el("i", { class: "vl at", hidden: true });
    this.node = el("section", { class: "panel chart1" }, el("div", { class: "ph" }, this.title, this.lead, el("span", { class: "sp" }), this.tools), el("div", { class: "pb" }, this.frame));
    this.frame.addEventListener("pointermove", (event) => { const box = this.frame.getBoundingClientRect(); onhover(Math.round(between(0, (event.clientX - box.left) / box.width, 1) * this.plot.of)); });
    this.frame.addEventListener("pointerleave", () => onhover(null));
    this.frame.addEventListener("blur", () => onhover(null));
    this.frame.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key], to = { Home: 0, End: this.plot.now }[event.key];
      if (by === undefined && to === undefined) return;
      event.preventDefault();
      onhover(to ?? between(0, (this.step ?? this.plot.now) + by, this.plot.of));
    });
  }

  draw(plot) {
    this.plot = plot;
    const drawn = plot.lines.filter(({ points }) => points.length), held = [...plot.dots.map(({ value }) => value), ...drawn.filter(({ thin }) => !thin).flatMap(({ points }) => points.map(([, value]) => value)), ...(plot.rule ? [plot.rule.value] : [])];
    const [low, high] = reach(drawn.filter(({ thin }) => thin).flatMap(({ points }) => points.map(([, value]) => value)), held), ticks = ticksOf(plot.low ?? low, plot.high ?? high), [from, to] = [ticks[0].at, ticks.at(-1).at];
    const x = (step) => (100 * step) / Math.max(1, plot.of), y = (value) => between(0, (100 * (value - from)) / (to - from), 100);
    const svg = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" })) svg.setAttribute(name, value);
    for (const line of drawn) svg.append(path(fewer(line.points).map(([step, value]) => [x(step), 100 - y(value)]), line));
    this.title.textContent = plot.title;
    this.node.setAttribute("aria-label", plot.title);
    replace(this.frame, ticks.map((tick) => [el("i", { class: "g", style: { bottom: `${y(tick.at)}%` } }), el("span", { class: "y", style: { bottom: `${y(tick.at)}%` } }, tick.words)]).flat(),
      stepsOf(plot.of).map((step) => el("span", { class: "x", style: { left: `${x(step)}%` } }, String(step))),
      plot.now > 0 && plot.now < plot.of && el("i", { class: "vl", style: { left: `${x(plot.now)}%` } }),
      plot.rule && [el("i", { class: "hl", style: { bottom: `${y(plot.rule.value)}%` } }), el("span", { class: "lab warn", style: { left: "4px", bottom: `${y(plot.rule.value) + 2}%` } }, plot.rule.words)],
      svg, plot.dots.map((dot) => point(dot, x, y)),
      this.ends(plot, x, y), plot.note && el("span", { class: "lab", style: { right: "4px", [plot.noteLow ? "bottom" : "top"]: "4px" } }, plot.note), this.cross);
    this.frame.setAttribute("aria-label", `${plot.title}${plot.lead ? `, ${plot.lead}` : ""}`);
    this.frame.setAttribute("aria-valuemax", String(plot.of));
    this.hover(this.step);
  }

  // Words where the lines end: right of where the run is, or right of the chart where that is too near its edge.
  ends(plot, x, y) {
    const at = x(plot.now), edge = at > EDGE, labels = plot.ends.map((one) => ({ ...one, at: y(one.value) - 5 }));
    this.frame.classList.toggle("roomy", edge && labels.length > 0);
    return apart(labels).map((one) => el("span", { class: `ce ${one.cls ?? ""}`, style: { bottom: `${one.at}%`, left: `${edge ? 100 : at}%` } }, one.icon, one.words));
  }

  // Shows the values of a step in the head; null shows what the chart is about.
  hover(step) {
    const { plot } = this;
    this.step = step ?? null;
    this.cross.hidden = step === null || step === undefined;
    this.frame.setAttribute("aria-valuenow", String(step ?? plot.now));
    const said = this.words(step ?? plot.now);
    this.frame.setAttribute("aria-valuetext", said || `step ${step ?? plot.now}: nothing known`);
    if (this.cross.hidden) { this.lead.textContent = plot.lead; return; }
    this.cross.style.left = `${(100 * step) / Math.max(1, plot.of)}%`;
    this.lead.textContent = said || `step ${step}`;
  }

  words(step) {
    const known = this.plot.lines.filter(({ silent }) => !silent).map((line) => [line.name, nearest(line.points, step)]).filter(([, found]) => found);
    if (known.length === 0) return "";
    return `step ${known.length === 1 || known.every(([, found]) => found[0] === known[0][1][0]) ? known[0][1][0] : step}: ${known.map(([name, [, value]]) => `${name} ${number(value, this.plot.digits ?? 3)}`).join(", ")}`;
  }
}

// The point at a step, else the last one before it.
export function nearest(points, step) {
  let low = 0, high = points.length;
  while (low < high) { const middle = (low + high) >> 1; if (points[middle][0] <= step) low = middle + 1; else high = middle; }
  return points[low - 1] ?? null;
}

const stepsOf = (of) => ticksOf(0, Math.max(1, of), 4).map(({ at }) => at).filter((at) => at <= of && Number.isInteger(at));
