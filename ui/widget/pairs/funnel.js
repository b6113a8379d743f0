// What is left of the clips and pairs, step by step; every loss opens what was lost. And what stands here while there is nothing yet.
import { el, replace } from "../base/dom.js";
import { openDialog } from "../base/dialog.js";
import { count, fact, noFilter, panel, plural, status, typeName } from "./parts.js";
import { face, makeMenu, option, options } from "../results/menu.js";
import { timeLeft } from "../base/runs.js";

const WITHOUT_TIMES = ["mute", "swap"];
const HELP = { times: "both event times of a clip, settled", stimuli: "soundtracks that were built and verified", responses: "wrong answers of a listener", segments: "stretches of videos that somebody described", choices: "multiple choice questions about videos" };

// parts: {root, overview(), set(), state(), go(changes), only(types), build(), freeze()}.
export class FunnelPanel {
  constructor(parts) {
    this.parts = parts;
    this.scope = "all";
    this.menu = makeMenu({ name: "Whose losses", cls: "in s pick", face: face("", "all types"), right: true, fill: (close) => options("Whose losses", false, this.scopes().map((scope) => option(nameOf(scope), { on: scope === this.scope, run: () => { close(); this.show(scope); } }))) });
    this.hint = el("span", { class: "sm t3" }, "each loss opens its pairs");
    const made = panel("What is left", el("span", { class: "sp" }), this.hint, this.menu.node);
    Object.assign(this, { node: made.node, body: made.body });
    this.node.classList.add("left");
    this.work = el("div", { class: "working", hidden: true });
    this.steps = el("div", { class: "steps" });
    replace(this.body, this.work, this.steps);
  }

  // A set that was made from another one keeps that one's steps, which say nothing of it.
  get funnel() {
    const set = this.parts.set();
    return set && !set.parent ? set.funnel ?? {} : {};
  }

  scopes() { return ["all", ...Object.keys(this.funnel).filter((name) => name !== "all")]; }

  show(scope) {
    this.scope = scope;
    this.draw();
    this.node.scrollIntoView({ block: "nearest" });
  }

  draw() {
    const set = this.parts.set(), { funnel } = this;
    if (!(this.scope in funnel)) this.scope = "all";
    const steps = funnel[this.scope] ?? [];
    this.menu.node.hidden = this.scopes().length < 3;
    this.hint.hidden = steps.length === 0;
    this.menu.face(face("", this.scope === "all" ? "all types" : nameOf(this.scope)));
    if (!set) replace(this.steps, this.nothing());
    else if (steps.length === 0) replace(this.steps, this.imported(set));
    else if (set.pairs === 0 && this.scope === "all") replace(this.steps, this.empty(set, steps), this.list(steps), this.foot(set));
    else replace(this.steps, this.list(steps), this.scope !== "all" && steps.at(-1).count === 0 && this.help(), this.foot(set));
  }

  // run: the one at work, or null.
  working(run) {
    this.work.hidden = !run;
    if (!run) { replace(this.work); return; }
    const share = run.total > 1 ? Math.floor((100 * run.done) / run.total) : null;
    const words = run.state === "queued" ? "starts in a moment" : share === null ? "at work" : `${count(run.done)} of ${count(run.total)}`;
    replace(this.work, el("div", { class: "row" }, el("b", { class: "clip" }, run.title), el("span", { class: "sp" }), el("span", { class: "sm t3 nw" }, [words, timeLeft(run.eta_s)].filter(Boolean).join(", "))),
      el("span", { class: `pg${share === null ? " going" : ""}`, role: "progressbar", "aria-label": run.title, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": share === null ? null : String(share) }, el("i", { style: { width: share === null ? "30%" : `${share}%` } })),
      el("p", { class: "xs t3" }, "It goes on when this page is closed."));
  }

  list(steps) {
    const most = {};
    for (const { unit, count: n } of steps) most[unit] = Math.max(most[unit] ?? 1, n);
    return el("ul", { class: "pb fu" }, steps.map((step, at) => el("li", { class: `fn${at === steps.length - 1 ? " end" : ""}` },
      el("span", {}, titleOf(step)), el("span", { class: "num" }, el("b", {}, count(step.count)), el("span", { class: "t3 xs" }, ` ${step.unit}`)), el("span", { class: "fb" }, el("i", { style: { width: `${(100 * step.count) / most[step.unit]}%` } })),
      el("span", { class: "t3 xs losses" }, (step.losses ?? []).length === 0 ? step.words ?? "" : step.losses.map((loss) => this.loss(step, loss))))));
  }

  loss(step, loss) {
    return el("button", { class: "linky", type: "button", onclick: () => this.open(step, loss) }, `${count(loss.count)}: ${lower(loss.reason)}`);
  }

  // Pairs that were held back are rows of this set; clips and what never became a pair have only their names.
  open(step, loss) {
    if (loss.check) { this.parts.go({ ...noFilter(), type: this.scope === "all" ? "" : this.scope, check: loss.check }); return; }
    openSubjects(this.parts.root, { ...loss, title: `${count(loss.count)} lost: ${titleOf(step)}`, titles: this.parts.set()?.titles, unit: step.unit });
  }

  nothing() {
    const { clips, settled, built, stimuli } = this.parts.overview();
    if (clips === 0) return blank("No clips yet", "Pairs are made from clips whose sound was edited.", el("a", { class: "btn p", href: "/clips?add=1" }, "Add clips"));
    if (stimuli === 0) return blank("No soundtracks are built yet", "A pair is about one stimulus: build the soundtracks first.", el("a", { class: "btn p", href: "/clips?build=1" }, "Build soundtracks"));
    if (settled === 0) return this.unsettled();
    return blank("Nothing built yet", `${plural(settled, "clip")} of ${count(clips)} have agreed event times, ${count(built)} have soundtracks.`, el("button", { class: "btn makes", type: "button", onclick: () => this.parts.build() }, "Build the pairs"), el("span", { class: "xs t3" }, "takes seconds; nothing is changed"));
  }

  unsettled() {
    return blank("No clip has agreed event times yet", "Shift, CTP and OP need two times per clip. Mute and Swap can be made now, without them.",
      el("div", { class: "row" }, el("a", { class: "btn p", href: "/annotate" }, "Mark event times"), el("button", { class: "btn makes", type: "button", onclick: () => this.parts.only(WITHOUT_TIMES) }, "Make Mute and Swap only")));
  }

  // A set without pairs says at which step it ran dry, why, and what to do.
  empty(set, steps) {
    const at = steps.find((step) => step.count === 0), loss = [...(at?.losses ?? [])].sort((a, b) => b.count - a.count)[0];
    if (this.parts.overview().settled === 0) return this.unsettled();
    return blank("No pair is left", set.empty || (at ? `Nothing gets past “${titleOf(at)}”.` : "The recipe asks for nothing."),
      el("div", { class: "row" }, at && loss ? el("button", { class: "btn", type: "button", onclick: () => this.open(at, loss) }, "Show what is lost") : null, el("a", { class: "btn", href: "/clips" }, "Go to the clips")));
  }

  // What to do about a type of which there is nothing.
  help() {
    const { needs } = this.parts.overview().types.find(({ type }) => type === this.scope) ?? {};
    const link = (href, words) => el("a", { class: "btn s", href }, words);
    const ways = { times: () => link("/annotate", "Mark event times"), stimuli: () => link("/clips?build=1", "Build soundtracks"), responses: () => link("/results", "Ask a listener") };
    return el("div", { class: "row help1" }, (ways[needs] ?? (() => el("button", { class: "btn s makes", type: "button", onclick: () => this.parts.material() }, "Take material in…")))(), el("span", { class: "xs t3" }, HELP[needs] ?? ""));
  }

  // In place of steps: where the set is from, and how much of it there is.
  imported(set) {
    const read = !set.parent, skipped = read ? set.skipped ?? [] : [], reasons = Object.values(set.skipped_reasons ?? {}), missed = reasons.length ? reasons.reduce((sum, n) => sum + n, 0) : skipped.length;
    return el("div", { class: "pb col" }, el("p", { class: "t2 sm" }, read ? "This set was read from a file, so it has no steps of its own." : "This set was made from another set."),
      el("ul", { class: "facts" }, fact(set.pairs + set.held ? "ok" : "warn", read ? `${count(set.pairs + set.held)} read` : plural(set.pairs + set.held, "pair"), set.title), set.held > 0 && fact("bad", `${count(set.held)} held back`, "with errors that the lint found", () => this.parts.go({ ...noFilter(), held: "yes" })),
        skipped.length > 0 && fact("warn", `${count(missed)} skipped`, skipped[0].reason, () => openSkipped(this.parts, skipped, missed)),
        set.parent && fact("info", "made from", el("a", { href: `/pairs?set=${encodeURIComponent(set.parent)}` }, "the set before"))), this.foot(set));
  }

  foot(set) {
    const splits = Object.entries(set.splits ?? {}).filter(([, one]) => one.pairs > 0 || one.clips > 0), words = splits.map(([name, one]) => `${name} ${plural(one.clips, "clip")}, ${plural(one.pairs, "pair")}`).join("; ");
    const frozen = this.parts.overview().held_out;
    return el("div", { class: "pf sm splits" }, el("span", { class: "t3" }, "Split by clip: "), words || "not split", splits.length > 0 && apart(set), ". ",
      set.pairs > 0 && el("button", { class: "linky t2 makes", type: "button", onclick: () => this.parts.freeze() }, frozen.length ? `Test set frozen: ${frozen.map(({ name }) => name).join(", ")}` : "Freeze the test clips…"));
  }
}

// Whether clips are in one split only, as far as the linter could tell; pairs that leak are held back.
function apart(set) {
  const leak = set.lint?.checks?.find(({ check }) => check === "split_leak");
  if (!(leak?.of > 0)) return null;
  return ["; ", leak.count ? status("warn", `${plural(leak.count, "pair")} with media of another split ${leak.count === 1 ? "is" : "are"} held back`) : status("ok", "no clip on both sides")];
}

const nameOf = (scope) => (scope === "all" ? "All types" : typeName(scope));
const titleOf = (step) => step.title ?? step.step ?? step.name;
const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
const blank = (title, words, ...more) => el("div", { class: "empty" }, el("p", { class: "t1 b" }, title), el("p", { class: "sm" }, words), more);

// What a step lost, or clips that changed: as far as they are named. titles: id → [what it is called, where it is shown].
export function openSubjects(root, { title, reason, count: n, subjects = [], titles = {}, unit = "clips" }) {
  const line = (subject) => el("li", {}, titles[subject] ? el("a", { href: titles[subject][1] }, titles[subject][0]) : el("span", { class: "mono" }, subject));
  openDialog(root, { title, cls: "narrow", body: el("div", { class: "pb col" }, el("p", {}, reason), subjects.length ? el("ul", { class: "subjects sm" }, subjects.map(line)) : el("p", { class: "sm t3" }, `The ${unit} are not named one by one.`), more(n - subjects.length, subjects)) });
}

function openSkipped(parts, skipped, all) {
  openDialog(parts.root, { title: "Rows that were skipped", cls: "narrow", body: el("div", { class: "pb col" }, el("ul", { class: "subjects sm" }, skipped.map(({ row, reason }) => el("li", {}, el("span", { class: "mono t3" }, `row ${count(row)}`), " ", reason))), more(all - skipped.length, skipped)) });
}
const more = (n, listed) => listed.length > 0 && n > 0 && el("p", { class: "sm t3" }, `and ${count(n)} more`);
