// What follows one another by itself: the steps of a chain, how far it is, and how to stop it or let it go on. And the one big button.
import { el, replace } from "../base/dom.js";
import { note, panel } from "../pairs/parts.js";
import { Kept, bar, place, stateOf } from "./parts.js";

const AT_WORK = ["running", "waiting", "stopping"];
export const goesOn = (chain) => ["running", "stopping"].includes(chain.state);

// parts: {act(chain, verb, what goes with it), show(name of a run)}.
class ChainStrip {
  constructor(parts) {
    this.parts = parts;
    this.kept = new Kept();
    const made = panel("", this.state = el("span", { role: "status" }), el("span", { class: "sp" }), this.tools = el("span", { class: "row" }));
    Object.assign(this, { node: made.node, body: made.body, head: made.head });
    this.node.classList.add("chain1");
    this.bar = el("div", { class: "col" });
    this.steps = el("ol", { class: "steps1" });
    this.inside = el("div", { class: "pb col" }, this.bar, this.steps);
  }

  // chain: {id, title, state, steps: [{words, run, state, message, name, done, of}], problem, waive: {name: sentence}}.
  draw(chain) {
    const held = this.tools.contains(document.activeElement), done = chain.steps.filter(({ state }) => state === "done").length, all = chain.steps.length, here = chain.steps.find(({ state }) => AT_WORK.includes(state)), share = here?.of ? here.done / here.of : 0;
    this.head.firstElementChild.textContent = chain.title;
    this.node.setAttribute("aria-label", chain.title);
    place(this.state, [this.kept.node("state", [chain.state, done], () => el("span", { class: "sm t3" }, { done: "done", paused: "paused", stopping: "stopping", running: `step ${Math.min(done + 1, all)} of ${all}` }[chain.state]))]);
    place(this.tools, [this.kept.node("tools", [chain.id, chain.state, chain.last, chain.waive], () => el("span", { class: "row" }, this.buttons(chain)))]);
    if (held && !this.tools.contains(document.activeElement)) this.tools.querySelector("button")?.focus();
    replace(this.bar, bar(done + share, all, { label: chain.title, state: { paused: "stopped", stopping: "stopping" }[chain.state] ?? "" }));
    place(this.steps, chain.steps.map((step, at) => this.kept.node(`step ${at}`, [chain.id, step.words, step.name, step.state, step.message], () => this.step(step, at + 1))));
    const problem = chain.problem && this.kept.node("problem", chain.problem, () => note("warn", chain.problem));
    place(this.inside, [this.bar, this.steps, problem].filter(Boolean));
    place(this.body, chain.state === "done" ? [] : [this.inside]);
  }

  buttons(chain) {
    const button = (words, verb, cls, { key = verb, title = null, body } = {}) => el("button", { class: `${cls} makes`, type: "button", "data-key": key, title, onclick: () => this.parts.act(chain, verb, body) }, words);
    const open = Object.entries(chain.waive), accept = { key: "accept", title: open.map(([, said]) => said).join(" "), body: { waive: open.map(([name]) => name) } };
    return [chain.state === "running" && button("Stop", "stop", "btn s"), chain.state === "paused" && button("Go on", "go-on", "btn s"), chain.state === "paused" && open.length > 0 && button("Accept and go on", "go-on", "btn s", accept),
      chain.state === "done" && chain.last && el("button", { class: "btn s", type: "button", onclick: () => this.parts.show(chain.last) }, "Show what it learnt"), !goesOn(chain) && button("Hide", "hide", "btn q s")];
  }

  step(step, number) {
    const words = step.name ? el("button", { class: "linky", type: "button", onclick: () => this.parts.show(step.name) }, step.words) : step.words;
    return el("li", { class: `stp ${step.state}`, "aria-current": step.state === "running" ? "step" : null, title: [step.words, step.message].filter(Boolean).join(". ") }, el("span", { class: "t3 num n1" }, String(number)), stateOf(step), el("span", { class: "clip" }, words), step.state === "running" && step.message && el("span", { class: "xs t3 clip" }, step.message));
  }
}

// A strip for each of them, kept while it is there. parts: as of a strip.
export class ChainStrips {
  constructor(parts) {
    this.parts = parts;
    this.strips = new Map();
    this.node = el("div", { class: "col rc" });
  }

  draw(chains) {
    const strips = chains.map((chain) => [chain.id, this.strips.get(chain.id) ?? new ChainStrip(this.parts)]);
    this.strips = new Map(strips);
    for (const chain of chains) this.strips.get(chain.id).draw(chain);
    this.node.hidden = chains.length === 0;
    place(this.node, strips.map(([, strip]) => strip.node));
  }
}

// The one button. demo: {here, lead, problem, note}.
export function teachButton(demo, press, cls = "btn p") {
  return el("button", { class: `${cls} makes`, type: "button", "data-do": "teach", "aria-disabled": String(Boolean(demo.problem)), title: demo.problem || demo.note || null, onclick: (event) => { if (event.currentTarget.getAttribute("aria-disabled") !== "true") press(event.currentTarget); } }, "Teach tiny to listen");
}

// In place of runs while there are none.
export function noRuns(demo, press) {
  const made = panel("Runs");
  replace(made.body, el("div", { class: "empty" }, el("p", { class: "t1 b" }, "Nothing trained yet"), el("p", { class: "sm" }, demo.here ? demo.lead : "Choose pairs on the left, look at what speaks against it, and start."), demo.here && teachButton(demo, press), demo.here && [demo.problem, demo.note].filter(Boolean).map((words) => el("p", { class: "sm t3" }, words))));
  return made.node;
}
