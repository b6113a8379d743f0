// What follows one another by itself: the steps of a chain, how far it is, and how to stop it or let it go on. And the one big button.
import { el, replace } from "../base/dom.js";
import { note, panel } from "../pairs/parts.js";
import { bar, stateOf } from "./parts.js";

// parts: {act(chain, verb), show(name of a run), teach()}.
export class ChainStrip {
  constructor(parts) {
    this.parts = parts;
    const made = panel("", this.state = el("span", { role: "status" }), el("span", { class: "sp" }), this.tools = el("span", { class: "row" }));
    Object.assign(this, { node: made.node, body: made.body, head: made.head });
    this.node.classList.add("chain1");
  }

  // chain: {id, title, state, steps: [{words, run, state, message, name, done, of}], problem}, or null.
  draw(chain) {
    this.node.hidden = !chain;
    if (!chain) return;
    const held = this.node.contains(document.activeElement), done = chain.steps.filter(({ state }) => state === "done").length, all = chain.steps.length, here = chain.steps.find(({ state }) => ["running", "waiting"].includes(state)), share = here?.of ? here.done / here.of : 0;
    this.head.firstElementChild.textContent = chain.title;
    this.node.setAttribute("aria-label", chain.title);
    replace(this.state, el("span", { class: "sm t3" }, { done: "done", paused: "paused", running: `step ${Math.min(done + 1, all)} of ${all}` }[chain.state]));
    const button = (words, verb, cls) => el("button", { class: `${cls} makes`, type: "button", "data-key": verb, onclick: () => this.parts.act(chain, verb) }, words);
    replace(this.tools, chain.state === "running" && button("Stop", "stop", "btn s"), chain.state === "paused" && button("Go on", "go-on", "btn s"), chain.state === "done" && chain.last && el("button", { class: "btn s", type: "button", onclick: () => this.parts.show(chain.last) }, "Show what it learnt"), chain.state !== "running" && button("Hide", "hide", "btn q s"));
    replace(this.body, chain.state !== "done" && el("div", { class: "pb col" }, bar(done + share, all, { label: chain.title, state: chain.state === "paused" ? "stopped" : "" }), el("ol", { class: "steps1" }, chain.steps.map((step, at) => this.step(step, at + 1))), chain.problem && note("warn", chain.problem)));
    if (held && !this.node.contains(document.activeElement)) this.tools.querySelector("button")?.focus();
  }

  step(step, number) {
    const words = step.name ? el("button", { class: "linky", type: "button", onclick: () => this.parts.show(step.name) }, step.words) : step.words;
    return el("li", { class: `stp ${step.state}`, "aria-current": step.state === "running" ? "step" : null, title: step.message || null }, el("span", { class: "t3 num n1" }, String(number)), stateOf(step), el("span", { class: "clip" }, words), step.state === "running" && step.message && el("span", { class: "xs t3 clip" }, step.message));
  }
}

// The one button. demo: {title, lead, problem, minutes}.
export function teachButton(demo, press, cls = "btn p") {
  return el("button", { class: `${cls} makes`, type: "button", "data-do": "teach", "aria-disabled": String(Boolean(demo.problem)), title: demo.problem || null, onclick: (event) => { if (event.currentTarget.getAttribute("aria-disabled") !== "true") press(event.currentTarget); } }, "Teach tiny to listen");
}

// In place of runs while there are none.
export function noRuns(demo, press) {
  const made = panel("Runs");
  replace(made.body, el("div", { class: "empty" }, el("p", { class: "t1 b" }, "Nothing trained yet"), el("p", { class: "sm" }, demo.here ? demo.lead : "Choose pairs on the left, look at what speaks against it, and start."), demo.here && teachButton(demo, press), demo.here && demo.problem && el("p", { class: "sm t3" }, demo.problem)));
  return made.node;
}
