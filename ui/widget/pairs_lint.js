// What is wrong with the set: every finding opens its rows; what can be mended without judging is mended by a button, as a new set.
import { post } from "./api.js";
import { openDialog } from "./dialog.js";
import { el, replace } from "./dom.js";
import { icon } from "./icons.js";
import { count, panel, plural } from "./pairs_parts.js";

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
    this.chips = el("span", { class: "row chips2" });
    const made = panel("Lint", this.chips, el("span", { class: "sp" }), this.hint = el("span", { class: "sm t3 wide" }, "errors are held back, never silently"), this.reword = el("button", { class: "btn q s makes", type: "button", title: "The answers of this set in other words, as a new set", onclick: () => parts.reword() }, "Reword…"));
    Object.assign(this, { node: made.node, body: made.body });
    this.node.classList.add("lint");
  }

  draw() {
    const set = this.parts.set(), checks = set?.lint?.checks ?? [];
    const found = checks.filter((one) => one.count > 0), passed = checks.filter((one) => one.count === 0), of = (severity) => found.filter((one) => one.severity === severity);
    const errors = of("error"), warnings = of("warning");
    replace(this.chips, errors.length > 0 && el("span", { class: "chip bad" }, icon("x", "s"), plural(errors.length, "error")), warnings.length > 0 && el("span", { class: "chip warn" }, icon("alert", "s"), plural(warnings.length, "warning")),
      checks.length > 0 && found.length === 0 && el("span", { class: "chip acc" }, icon("check", "s"), "clean"));
    this.hint.hidden = checks.length === 0;
    this.reword.hidden = !set || set.pairs === 0;
    if (!set || !checks.length) { replace(this.body, el("div", { class: "empty" }, el("p", { class: "sm" }, set ? "This set was not linted." : "Every pair is read by the linter while it is built: its words against its media, letters and lengths over the whole set, leaks between splits."))); return; }
    replace(this.body, found.length > 0 && this.table([...errors, ...warnings], set), this.passed(passed, found.length <= OPEN_UNTIL), (set.fixes ?? []).length > 0 && el("p", { class: "pf sm t3" }, "Mended before: ", set.fixes.map(({ words, fix }) => words || FIXES[fix]?.verb || fix).join("; ")));
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
    go({ check: state().check === one.check ? "" : one.check, type: "", split: "", held: "", word: "", condition: "", pair: "" });
  }

  done(one, set) {
    const held = one.severity === "error" && !this.isWhole(one), fix = FIXES[one.fix];
    return el("span", { class: "row" }, (held || !fix) && el("span", { class: "t3" }, held ? "held back" : "kept"), fix && set.pairs + set.held > 0 && el("button", { class: "btn s makes", type: "button", onclick: () => this.fix(one, fix) }, fix.verb));
  }

  passed(passed, open) {
    if (!passed.length) return null;
    return el("details", { class: "passed", open }, el("summary", {}, el("span", { class: "st ok" }, icon("check"), `${plural(passed.length, "check")} passed`)),
      el("ul", {}, passed.map((one) => el("li", { title: one.words || (one.of === 0 ? "There was nothing to check." : `Not found: ${one.title.charAt(0).toLowerCase()}${one.title.slice(1)}.`) }, el("span", { class: `st ${one.of === 0 ? "t3" : "ok"}` }, icon(one.of === 0 ? "dash" : "check"), checkName(one.check))))));
  }

  // A fix never changes this set: it makes another one, and this one stays as its parent.
  fix(one, { verb, says }) {
    const wrong = el("p", { class: "bad sm", role: "alert" });
    const run = async () => {
      go.disabled = true;
      try {
        const { run: id, title } = await post(`/api/pairs/sets/${encodeURIComponent(this.parts.set().id)}/fix`, { fix: one.fix, check: one.check });
        dialog.close();
        this.parts.started(id, title);
      } catch (error) { wrong.textContent = error.message; go.disabled = false; }
    };
    const go = el("button", { class: "btn p", type: "button", onclick: run }, `${verb}, as a new set`);
    const dialog = openDialog(this.parts.root, { title: `${verb}: ${checkName(one.check)}`, cls: "narrow", body: el("div", { class: "pb col" }, el("p", {}, one.words || one.title), el("p", { class: "t2" }, says(one), " This set stays as it is."), wrong), foot: el("div", { class: "ph end" }, el("span", { class: "sp" }), el("button", { class: "btn q", type: "button", onclick: () => dialog.close() }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "Esc")), go) });
    go.focus();
  }
}
