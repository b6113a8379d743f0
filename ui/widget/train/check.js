// What speaks against a run before it starts, and the exact command that will run.
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { panel, plural } from "../pairs/parts.js";
import { copy } from "../base/clipboard.js";
import { span } from "./parts.js";

const GLYPH = { ok: "check", warn: "alert", bad: "x", info: "info" };
const WAIVED = "accepted";

// parts: {waive(name, on), start(), again()}.
export class CheckPanels {
  constructor(parts) {
    this.parts = parts;
    const before = panel("Before you start", el("span", { class: "sp" }), this.chip = el("span", { role: "status" })), what = panel("What will run", el("span", { class: "sp" }), this.copy = el("button", { class: "btn q s", type: "button", onclick: () => this.copying() }, "Copy"));
    this.list = el("ul", { class: "pfl", tabindex: "-1" });
    replace(before.body, this.list);
    this.command = el("pre", { class: "cmd", tabindex: "0", "aria-label": "Command", title: "RUN: the folder that the run gets when it starts" });
    this.long = el("span", { class: "sm t2" });
    this.go = el("button", { class: "btn makes", type: "button", onclick: () => { if (this.go.getAttribute("aria-disabled") !== "true") parts.start(); } }, "Start");
    replace(what.body, this.command, el("div", { class: "pf row" }, this.long, el("span", { class: "sp" }), this.go));
    this.nodes = [before.node, what.node];
    this.wait();
  }

  // Before the first answer, and while a newer one is on its way.
  wait() {
    for (const node of this.nodes) node.setAttribute("aria-busy", "true");
    if (!this.told) replace(this.list, el("li", { class: "pf1" }, el("span", { class: "st" }, icon("clock"), el("b", {}, "Looking at this machine")), el("span", { class: "sm t3" }, "what is installed, how much memory and disk is free; the first time takes some seconds")));
    this.enable(false);
  }

  enable(on) { this.go.setAttribute("aria-disabled", String(!on)); }

  // told: the server's answer; part: whether the machine was not looked at yet.
  draw(told, part = false) {
    this.told = told;
    if (!part) for (const node of this.nodes) node.removeAttribute("aria-busy");
    const bad = told.facts.filter(({ level }) => level === "bad").length, warn = told.facts.filter(({ level }) => level === "warn").length;
    replace(this.chip, part ? null : bad ? el("span", { class: "chip bad" }, icon("x", "s"), `${bad} ${bad === 1 ? "stops" : "stop"} it`) : warn ? el("span", { class: "chip warn" }, icon("alert", "s"), plural(warn, "warning")) : el("span", { class: "chip acc" }, icon("check", "s"), "ready"));
    if (!part) this.lay(told.facts.map((fact) => this.fact(fact)));
    this.command.hidden = !told.command;
    this.command.textContent = told.command.replaceAll(" -m ", " \\\n  -m ").replaceAll(" --config ", " \\\n  --config ");
    this.long.textContent = told.blocked ? "See above what stops it." : howLong(told);
    this.enable(!part && !told.blocked);
  }

  // Other lines; what somebody has pressed there keeps the focus, or else the list as a whole.
  lay(lines) {
    const at = document.activeElement, held = this.list.contains(at) ? at.dataset.key ?? "" : null;
    replace(this.list, lines);
    if (held !== null) (this.list.querySelector(`[data-key="${CSS.escape(held)}"]`) ?? this.list).focus({ preventScroll: true });
  }

  fact({ level, title, words, fix, waive, waived }) {
    const button = waive && el("button", { class: "linky", type: "button", "data-key": waive, onclick: () => this.parts.waive(waive, !waived) }, waived ? "Take that back" : "Go on all the same");
    const head = el("span", { class: `st ${waived ? "info" : level}` }, icon(GLYPH[waived ? "info" : level]), el("b", {}, title));
    if (level === "ok") return el("li", { class: "pf1 k-ok", title: words }, head, el("span", { class: "sm t3 clip" }, words));
    return el("li", { class: `pf1 k-${level}` }, head, el("span", { class: "sm t3" }, waived ? `${WAIVED}: ${words}` : words, fix && !waived ? [" ", fix] : null, button ? [" ", button] : null));
  }

  // Nothing could be asked: the sentence, and another try.
  trouble(error) { this.instead("not checked", "This cannot be checked", error.message, " ", el("button", { class: "linky", type: "button", onclick: () => this.parts.again() }, "Try again")); }

  // Fields that hold no number: nothing to ask the server about. names: what they are called.
  invalid(names) { this.instead("1 stops it", names.join(", "), names.length === 1 ? "This field holds no number that can be used." : "These fields hold no numbers that can be used."); }

  instead(chip, title, ...words) {
    for (const node of this.nodes) node.removeAttribute("aria-busy");
    replace(this.chip, el("span", { class: "chip bad" }, icon("x", "s"), chip));
    this.lay(el("li", { class: "pf1 k-bad" }, el("span", { class: "st bad" }, icon("x"), el("b", {}, title)), el("span", { class: "sm t3" }, words)));
    this.long.textContent = "See above what stops it.";
    this.enable(false);
  }

  copying() {
    if (this.told?.command) copy(this.told.command, "The command is copied. RUN stands for the folder that the run gets when it starts.");
  }
}

function howLong({ seconds, measured, steps, exports }) {
  const time = seconds === null || seconds === undefined ? (steps ? plural(steps, "step") : "") : `About ${span(seconds)}${measured ? `, as ${measured} took` : ""}`;
  return [time, exports && "the pairs are exported first"].filter(Boolean).join("; ");
}
