// What is wrong with the set: every finding opens its rows; what can be mended without judging is mended by a button, as a new set.
import { post } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { formDialog } from "./dialogs.js";
import { count, noFilter, panel, plural } from "./parts.js";

const FIXES = {
  shuffle_letters: { verb: "Shuffle letters", says: () => "The options of every choice question get new letters, drawn with the recipe’s seed; questions, answers and media stay as they are. Rows that cannot be re-lettered safely stay and are counted." },
  drop: { verb: "Drop", says: (one) => `${plural(one.count, "pair")} with this finding ${one.count === 1 ? "is" : "are"} left out of the new set.` },
  rebalance: { verb: "Rebalance", says: () => "Of the conditions that there are too many of, pairs are left out until all are as frequent as the rarest allows; which ones is drawn with the recipe’s seed." },
};
const NAMES = { label_text: "label against text", direction_times: "direction of times", gap: "stated gap", text_times: "times in text", outside: "outside the clip", edge: "sound at 0.0 s", same_text: "same text", same: "chosen = rejected",
  letter_prior: "letter prior", option_length: "option length", length: "length", near_duplicate: "near duplicates", split_leak: "leak", media: "media", balance: "balance", junk: "stray characters", text_only: "guessed from words" };
export const checkName = (check) => NAMES[check] ?? check.replaceAll("_", " ");

const OPEN_UNTIL = 5; // findings: with more there is no room for what passed

// parts: {root, set(), state(), go(changes), started(run, title), reword()}.
export class LintPanel {
  constructor(parts) {
    this.parts = parts;
    this.chips = el("span", { class: "row" });
    const made = panel("Lint", this.chips, el("span", { class: "sp" }), this.hint = el("span", { class: "sm t3 wide" }, "errors are held back, never silently"), this.reword = el("button", { class: "btn q s makes", type: "button", title: "The answers of this set in other words, as a new set", onclick: () => parts.reword() }, "Reword…"));
    Object.assign(this, { node: made.node, body: made.body });
    this.node.classList.add("lint");
  }

  draw() {
    const set = this.parts.set(), checks = set?.lint?.checks ?? [];
    const found = checks.filter((one) => one.count > 0), passed = checks.filter((one) => one.count === 0 && one.of > 0), idle = checks.filter((one) => one.count === 0 && !(one.of > 0)), of = (severity) => found.filter((one) => one.severity === severity);
    const errors = of("error"), warnings = of("warning");
    replace(this.chips, errors.length > 0 && el("span", { class: "chip bad" }, icon("x", "s"), plural(errors.length, "error")), warnings.length > 0 && el("span", { class: "chip warn" }, icon("alert", "s"), plural(warnings.length, "warning")),
      passed.length > 0 && found.length === 0 && el("span", { class: "chip acc" }, icon("check", "s"), "clean"));
    this.hint.hidden = checks.length === 0;
    this.reword.hidden = !set || set.pairs === 0;
    if (!set || !checks.length) { replace(this.body, el("div", { class: "empty" }, el("p", { class: "sm" }, set ? "This set was not linted." : "Every pair is read by the linter while it is built: its words against its media, letters and lengths over the whole set, leaks between splits."))); return; }
    replace(this.body, found.length > 0 && this.table([...errors, ...warnings], set), this.passed(passed, idle, found.length <= OPEN_UNTIL), (set.fixes ?? []).length > 0 && el("p", { class: "pf sm t3" }, "Mended before: ", set.fixes.map(({ words, fix }) => words || FIXES[fix]?.verb || fix).join("; ")));
  }

  table(found, set) {
    const { state } = this.parts;
    return el("div", { class: "tw" }, el("table", { class: "c ln" }, el("thead", {}, el("tr", {}, el("th", {}, "check"), el("th", {}, "found"), el("th", { class: "num" }, "pairs"), el("th", {}, "done"))),
      el("tbody", {}, found.map((one) => el("tr", { "aria-selected": String(state().check === one.check), "data-check": one.check, onclick: (event) => { if (!event.target.closest("button")) this.open(one); } },
        el("td", {}, el("span", { class: `st ${one.severity === "error" ? "bad" : "warn"}` }, icon(one.severity === "error" ? "x" : "alert"), this.opener(one))),
        el("td", { class: "t2 wr" }, one.words || one.title), el("td", { class: "num" }, this.isWhole(one) ? el("span", { class: "t3" }, "–") : count(one.count)), el("td", {}, this.done(one, set)))))));
  }

  isWhole(one) { return one.of_rows === false; }
  opener(one) { return this.isWhole(one) ? el("span", {}, checkName(one.check)) : el("button", { class: "by", type: "button", title: `${one.title}. Show the pairs`, onclick: () => this.open(one) }, checkName(one.check)); }

  open(one) {
    if (this.isWhole(one)) return;
    const { go, state } = this.parts;
    go({ ...noFilter(), check: state().check === one.check ? "" : one.check });
  }

  done(one, set) {
    const held = one.severity === "error" && !this.isWhole(one), fix = FIXES[one.fix];
    return el("span", { class: "row" }, (held || !fix) && el("span", { class: "t3" }, held ? "held back" : "kept"), fix && set.pairs + set.held > 0 && el("button", { class: "btn s makes", type: "button", onclick: () => this.fix(one, fix) }, fix.verb));
  }

  // idle: checks that found nothing because no pair could be judged by them.
  passed(passed, idle, open) {
    if (!passed.length && !idle.length) return null;
    const line = (level, glyph, words) => (one) => el("li", { title: words(one) }, el("span", { class: `st ${level}` }, icon(glyph), checkName(one.check)));
    return el("details", { class: "passed", open }, el("summary", {}, el("span", { class: `st ${passed.length ? "ok" : "t3"}` }, icon(passed.length ? "check" : "dash"), `${plural(passed.length, "check")} passed${idle.length ? `, ${count(idle.length)} had nothing to check` : ""}`)),
      el("ul", {}, passed.map(line("ok", "check", (one) => one.words || `Not found: ${one.title.charAt(0).toLowerCase()}${one.title.slice(1)}.`)), idle.map(line("t3", "dash", (one) => one.words || "There was nothing to check."))));
  }

  // A fix never changes this set: it makes another one, and this one stays as its parent.
  fix(one, { verb, says }) {
    formDialog(this.parts.root, { title: `${verb}: ${checkName(one.check)}`, verb: `${verb}, as a new set`, fields: [el("p", {}, one.words || one.title), el("p", { class: "t2" }, says(one), " This set stays as it is.")],
      send: async () => {
        const { run, title } = await post(`/api/pairs/sets/${encodeURIComponent(this.parts.set().id)}/fix`, { fix: one.fix, check: one.check });
        this.parts.started(run, title);
        return true;
      } });
  }
}
