// Before and after: everyone of a run's line on the same held-out items, with what the sound alone allows and another clip's picture beside it.
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { chance } from "../base/numbers.js";
import { panel, plural } from "../pairs/parts.js";
import { axis, condition, estimateOf, forest, interval, percent, points } from "../results/parts.js";

const CLASSES = { synced: ["original", "original, in step"], early: ["early", "early"], delayed: ["delayed", "delayed"], muted: ["muted", "muted"] };
// parts: {measure(run)}.
export class BeforePanel {
  constructor(parts) {
    this.parts = parts;
    const made = panel("Before and after, the same held-out items", this.lead = el("span", { class: "sm t3 wide clip" }), el("span", { class: "sp" }), this.tools = el("span", { class: "row" }));
    Object.assign(this, { node: made.node, body: made.body });
    this.node.hidden = true;
  }

  // told: {found, why, rows, clips, missing, asking, caveat}; run: whose.
  draw(run, told) {
    const { found } = told;
    this.node.hidden = false;
    this.lead.textContent = found ? `${plural(found.items, "item")} from ${plural(found.sources, "source")}, ${told.rows.map(({ listener }) => listener).join(", ")}` : "";
    const file = `/api/train/runs/${encodeURIComponent(run.run)}/before-after.csv`;
    replace(this.tools, found && [told.compare && el("a", { class: "btn q s", href: told.compare }, "Results"), el("a", { class: "btn s", href: file, download: "" }, icon("down"), "CSV")].filter(Boolean));
    if (!found) replace(this.body, this.nothing(run, told));
    else replace(this.body, el("div", { class: "ba" }, this.table(found, told), this.side(run, found, told)), told.caveat && el("p", { class: "pf sm t2 cav" }, el("b", {}, "What this does not prove: "), told.caveat));
  }

  nothing(run, told) {
    if (told.asking) return el("div", { class: "empty" }, el("p", { class: "t1 b" }, "The listeners are being asked"), el("p", { class: "sm" }, told.asking));
    return el("div", { class: "empty" }, el("p", { class: "t1 b" }, told.clips ? "Not asked yet" : "No held-out clips"), el("p", { class: "sm" }, told.why), told.can && el("button", { class: "btn makes", type: "button", onclick: () => this.parts.measure(run) }, "Ask them on the held-out clips"));
  }

  table(found, told) {
    const stages = found.stages, step = found.steps.at(-1), last = stages.length - 1;
    const head = el("tr", {}, el("th", { scope: "col" }, "right, %"), stages.map((one) => el("th", { class: "num", scope: "col" }, one.name)), ["change"].map((words) => el("th", { class: "num", scope: "col", title: `${stages[last].name} − ${stages[0].name}` }, words)), el("th", { class: "num", scope: "col" }, "95 % interval"), el("th", { class: "fo", scope: "col" }, axis("−100", "0", "+100")), el("th", { class: "num", scope: "col", title: step?.test_words }, "p"), el("td", { class: "hd" }));
    const all = this.row(el("b", {}, "all classes alike"), stages.map((one) => one.accuracy), step?.difference, step?.holm_p, null, "b");
    const rows = found.classes.map((name) => this.row(CLASSES[name] ? condition(...CLASSES[name]) : name, stages.map((one) => one.by_class[name]), step?.by_class[name], null, told.items?.[name]));
    return el("div", { class: "tw", tabindex: "0", role: "region", "aria-label": "Right answers" }, el("table", { class: "bat" }, el("thead", {}, head), el("tbody", {}, all, rows)), el("ul", { class: "pb col steps2 sm" }, found.steps.map((one) => el("li", { class: "row" }, this.sign(one), el("span", {}, el("b", {}, `${one.before} → ${one.after}: `), one.words, el("span", { class: "t3" }, ` p ${chance(one.holm_p)}${found.steps.length > 1 ? " by Holm" : ""}, ${one.test_words}.`))))));
  }

  sign(step) { return el("span", { class: `st ${step.counts ? "ok" : ""}` }, icon(step.counts ? "check" : "dash")); }

  row(name, values, difference, p, items, cls = "") {
    const one = estimateOf(difference);
    const figure = (each) => { const value = estimateOf(each); return el("td", { class: `num ${cls}`, title: value ? `95 % interval ${interval(value)}, n ${value.n ?? "–"}` : null }, value ? [percent(value.value), el("span", { class: "ci" }, ` ${interval(value)}`)] : "–"); };
    return el("tr", {}, el("td", {}, name), values.map(figure), el("td", { class: "num b" }, one ? points(one.value) : "–"), el("td", { class: "num ci" }, one ? interval(one, points) : "–"), el("td", { class: "fo" }, forest(one, { from: -1, to: 1, zero: 0, label: one ? `change ${points(one.value)} points, 95 % interval ${interval(one, points)}` : "not known" })),
      el("td", { class: "num" }, p === undefined || p === null ? "" : chance(p)), el("td", {}, items && el("a", { class: "sm", href: items }, "items")));
  }

  side(run, found, told) {
    const line = (words, value, strong = false) => el("div", { class: `row ${strong ? "" : "t2"}` }, el("span", { class: "clip grow" }, words), el(strong ? "b" : "span", { class: "num" }, value));
    const share = (one) => { const value = estimateOf(one); return value ? [percent(value.value), el("span", { class: "ci" }, ` ${interval(value)}`)] : "not asked"; };
    const last = found.stages.at(-1), level = { "Yes.": ["ok", "check"], "No.": ["bad", "x"] }[found.answer] ?? ["warn", "alert"];
    return el("div", { class: "pb col bx" }, el("h3", {}, "Is it listening?"), line(`${plural(found.classes.length, "class", "classes")}, ${last.name}`, share(last.accuracy), true), line("with another clip’s picture", share(last.shuffled)), line("what the sound alone allows", estimateOf(found.ceiling) ? percent(found.ceiling.value) : "not known"), line(found.stages[0].name, share(found.stages[0].accuracy)),
      el("p", { class: "sm" }, el("span", { class: `st ${level[0]}` }, icon(level[1]), el("span", {}, el("b", {}, found.answer), " ", found.words))), [...(found.notes ?? []), ...told.missing].map((words) => el("p", { class: "sm t3" }, words)), told.can && told.missing.length > 0 && el("div", { class: "row" }, el("button", { class: "btn s makes", type: "button", onclick: () => this.parts.measure(run) }, "Ask what is missing")));
  }
}
