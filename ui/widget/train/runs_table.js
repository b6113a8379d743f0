// All runs, one line each: how far they are, how right on held-out clips, and the one thing to do about them.
import { el, replace } from "../base/dom.js";
import { timeLeft } from "../base/runs.js";
import { panel } from "../pairs/parts.js";
import { percent, points } from "../results/parts.js";
import { Kept, STAGES, active, bar, place, span, stateOf } from "./parts.js";

const HEADS = [["run"], ["kind"], ["data", "h3"], ["state"], ["steps", "num"], ["", "h6"], [""], ["held-out, %", "num"], ["from start", "num h9"], [""]];

// parts: {chosen(): name, choose(name), act(run, verb), teach: the button of the demo}.
export class RunsPanel {
  constructor(parts) {
    this.parts = parts;
    this.kept = new Kept();
    this.lines = el("tbody");
    const made = panel("Runs", el("span", { class: "sp" }), el("span", { class: "sm t3 wide" }, "they go on when this page is closed"), parts.teach);
    replace(made.body, el("div", { class: "tw", tabindex: "0", role: "region", "aria-label": "Table of runs" }, el("table", { class: "c rl" }, el("thead", {}, el("tr", {}, HEADS.map(([words, cls = ""]) => (words ? el("th", { class: cls, scope: "col" }, words) : el("td", { class: `hd ${cls}` }))))), this.lines)));
    this.node = made.node;
  }

  // runs: newest first.
  draw(runs) {
    const chosen = this.parts.chosen(), held = this.lines.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    place(this.lines, runs.map((run) => this.row(run, run.name === chosen)));
    if (held && !this.lines.contains(document.activeElement)) this.lines.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
  }

  // One line stays as long as its run does; of its cells those change that say something else.
  row(run, on) {
    const pick = (event) => { if (!event.target.closest("button,a")) this.parts.choose(run.name); };
    const line = this.kept.node(run.run, null, () => el("tr", { "data-run": run.name, onclick: pick }));
    line.setAttribute("aria-selected", String(on));
    place(line, this.cells(run, on).map(([shown, make], at) => this.kept.node(`${run.run} ${at}`, shown, make)));
    return line;
  }

  // [what it shows, how it is made] of each cell.
  cells(run, on) {
    const { best, first } = run.held_out, why = shortly(run);
    return [
      [[run.name, on], () => el("td", {}, el("button", { class: "by mono", type: "button", "data-key": run.name, "aria-current": on ? "true" : null, onclick: () => this.parts.choose(run.name) }, run.name))],
      [run.stage, () => el("td", {}, STAGES[run.stage] ?? run.stage)],
      [run.data, () => el("td", { class: "t2 h3 dat", title: run.data }, run.data)],
      [[run.state, run.step], () => el("td", {}, stateOf(run))],
      [[run.step, run.of], () => el("td", { class: "num" }, run.of ? `${run.step} of ${run.of}` : "–")],
      [[run.step, run.of, run.state], () => el("td", { class: "h6 bar1" }, bar(run.step, run.of, { label: `${run.name}: steps`, state: run.state }))],
      [[why, run.words], () => el("td", { class: "t3 why1", title: run.words }, why)],
      [best, () => el("td", { class: "num" }, best === null ? "–" : percent(best))],
      [[best, first], () => el("td", { class: "num t2 h9" }, best === null || first === null ? "" : points(best - first))],
      [[run.state, run.resumable, run.listener], () => el("td", { class: "num" }, this.action(run))],
    ];
  }

  action(run) {
    const [words, verb, cls] = active(run.state) ? [] : run.state !== "done" && run.resumable ? ["Resume", "resume", "btn s"] : run.state === "failed" ? ["Log", "log", "btn q s"] : run.state === "done" && run.listener ? ["Test", "test", "btn q s"] : [];
    return words ? el("button", { class: `${cls} ${verb === "log" ? "" : "makes"}`, type: "button", "data-key": `${run.name} ${verb}`, "aria-label": `${words} ${run.name}`, onclick: () => this.parts.act(run, verb) }, words) : null;
  }
}

// What stands beside the bar: time left or taken, or why it does not go on.
function shortly(run) {
  if (run.state === "running") return run.eta_s === null ? "starts" : timeLeft(run.eta_s);
  if (run.state === "done") return span(run.seconds);
  if (run.state === "stopped") return run.resumable ? "can go on" : "";
  return run.short || (run.state === "waiting" ? "for its device" : "");
}
