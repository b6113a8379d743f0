// What follows a training by itself, as a row of the form: DPO on what SFT has taught, then everybody of its line is asked.
import { el, replace } from "../base/dom.js";
import { face, makeMenu, option, options } from "../results/menu.js";

export const NOTHING = Object.freeze({ recipe: "", set: "", ask: false });

// parts: {model(), overview(), title(recipe), changed(redraw)}.
export class Afterwards {
  constructor(parts) {
    this.parts = parts;
    this.said = el("span", { class: "sm t3", role: "status" });
    this.tick = el("input", { type: "checkbox", "data-field": "then-ask", onchange: () => this.put({ ask: this.tick.checked }, false) });
    this.label = el("label", { class: "fl" }, this.tick, this.words = el("span"));
    this.problem = "";
    this.node = el("div", { class: "fd", role: "group", "aria-label": "Afterwards" });
  }

  // What is chosen and can follow: DPO follows SFT only, and what is gone is chosen no more.
  get chosen() {
    const { stage, then } = this.parts.model(), dpo = stage === "sft" && then.recipe;
    return { recipe: dpo || "", set: dpo && this.sets().some(({ id }) => id === then.set) ? then.set : "", ask: then.ask };
  }

  // What is sent: nobody is asked where there is nothing to ask about.
  get wanted() { return { ...this.chosen, ask: this.chosen.ask && !this.problem }; }

  sets() { return this.parts.overview().sets.filter((one) => one.stage === "dpo"); }

  put(change, redraw) {
    const { model } = this.parts;
    model().then = { ...model().then, ...change };
    this.parts.changed(redraw);
  }

  draw() {
    const { recipe } = this.chosen, sft = this.parts.model().stage === "sft";
    replace(this.node, el("span", { class: "sm t2", "aria-hidden": "true" }, "Afterwards"), sft && this.follows(), recipe && this.pairs(), this.label, this.said);
    this.words.textContent = recipe ? "then ask before and after" : "ask before and after";
    this.told();
    return this.node;
  }

  follows() {
    const { recipe } = this.chosen, { title } = this.parts, recipes = () => this.parts.overview().recipes.filter((one) => one.stage === "dpo");
    return this.menu("Afterwards", recipe ? `DPO with ${title(recipe)}` : "nothing", (close) => options("Afterwards", false, [
      option("nothing", { on: !recipe, run: () => { close(); this.put({ recipe: "" }, true); } }),
      ...recipes().map(({ name }) => option(`DPO with ${title(name)}`, { on: name === recipe, run: () => { close(); this.put({ recipe: name, set: this.chosen.set || (this.sets()[0]?.id ?? "") }, true); } }))]));
  }

  pairs() {
    const { set } = this.chosen, here = this.sets().find(({ id }) => id === set)?.title ?? "choose pairs";
    return this.menu("DPO on", here, (close) => [this.sets().length === 0 && el("p", { class: "sm t3 opt-head" }, "No pairs for DPO yet. ", el("a", { href: "/pairs" }, "Build some")),
      options("DPO on", false, this.sets().map((one) => option(one.title, { on: one.id === set, aside: String(one.pairs), run: () => { close(); this.put({ set: one.id }, true); } })))], set && "on");
  }

  menu(name, here, fill, word = "") {
    const made = makeMenu({ name: `${name}: ${here}`, cls: "in pick", face: face(word, here), title: here, fill });
    made.button.dataset.field = name;
    return made.node;
  }

  // then: what the server says keeps it from following: {train, ask}; what it does not say stays as it was.
  told(then) {
    if (then) this.problem = then.ask;
    this.tick.disabled = this.problem !== "";
    this.tick.checked = this.chosen.ask && !this.problem;
    this.label.classList.toggle("off", this.tick.disabled);
    if (this.said.textContent !== this.problem) this.said.textContent = this.problem;
  }
}
