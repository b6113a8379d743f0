// One run: how it stands and what can be done about it, its charts as they grow, its log.
import { get } from "../base/api.js";
import { copy } from "../base/clipboard.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { timeLeft } from "../base/runs.js";
import { note } from "../pairs/parts.js";
import { action, makeMenu } from "../results/menu.js";
import { Chart } from "./chart.js";
import { Journal, plotsOf } from "./curves.js";
import { Kept, active, bar, clock, gigabytes, perStep, place, span, stateOf } from "./parts.js";

const EVERY_MS = 1000;

// parts: {act(run, verb, body), onlines(): the journal has grown}.
const memoryOf = ({ memory_gb: held, expected_gb: expected }) => (held ? `${gigabytes(held)}${expected ? ` of ${gigabytes(expected)} expected` : ""}` : expected && `about ${gigabytes(expected)} expected`);

export class RunPanel {
  constructor(parts) {
    this.parts = parts;
    this.run = null;
    this.journal = new Journal();
    this.turn = 0; // of whom is asked: what comes of an earlier turn is nobody's
    this.busy = null;
    this.kept = new Kept();
    this.title = el("h2");
    this.live = el("span", { class: "row w" });
    this.saved = el("span", { class: "st ok sm" });
    this.tools = el("span", { class: "row" });
    this.head = el("section", { class: "panel rh", "aria-label": "Run" }, el("div", { class: "row w rh1" }, this.title, this.live, el("span", { class: "sp" }), this.saved, this.tools));
    this.how = el("div", { class: "col how1" });
    this.charts = [];
    this.grid = el("div", { class: "c4" });
    this.rest = el("div", { class: "c4 three1" });
    this.more = el("details", { class: "panel more2" }, el("summary", { class: "sm t2" }, "Pairs told apart, gradient, time"), this.rest);
    this.alerts = el("div", { class: "col alerts1" });
    this.log = el("pre", { class: "log", tabindex: "0", "aria-label": "Log" });
    this.logs = el("details", { class: "panel more2" }, el("summary", { class: "sm t2" }, "Log, the last lines"), this.log);
    this.logs.addEventListener("toggle", () => { if (this.logs.open) this.readLog(); });
    this.node = el("div", { class: "col run1" }, this.head, this.how, this.grid, this.alerts);
    this.tail = el("div", { class: "col run1" }, this.more, this.logs); // below what the run has learnt
  }

  // Another run than the one shown begins from its first line; null shows none.
  show(run) {
    if (run?.run !== this.run?.run) { this.turn += 1; this.journal.clear(); this.offset = ""; this.floor = null; this.log.textContent = ""; this.logs.open = false; }
    this.run = run;
    clearTimeout(this.timer);
    if (!run) return;
    this.drawHead();
    this.drawHow();
    this.drawCharts();
    this.read();
  }

  // Lines that were written since. Asked again every second while the run is at work and the page is seen; of an ended run until there are no more.
  async read() {
    clearTimeout(this.timer);
    const { turn } = this;
    if (this.busy === turn) return;
    this.busy = turn;
    try {
      for (let more = true; more && turn === this.turn;) {
        const found = await get(`/api/train/runs/${encodeURIComponent(this.run.run)}?offset=${encodeURIComponent(this.offset)}`);
        if (turn !== this.turn) return;
        this.take(found);
        more = found.lines.length > 0 && !active(found.run.state);
      }
    } catch { /* the banner says that the server is away; the next round asks again */ }
    if (turn !== this.turn) return;
    this.busy = null;
    if (active(this.run.state)) this.timer = setTimeout(() => this.read(), document.hidden ? 10 * EVERY_MS : EVERY_MS);
  }

  take(found) {
    if (found.restarted) this.journal.clear();
    this.journal.take(found.lines);
    this.offset = found.offset;
    if (found.floor !== undefined) this.floor = found.floor;
    this.run = found.run;
    this.drawHead();
    this.drawHow();
    if (found.lines.length || found.restarted) this.drawCharts();
    if (this.logs.open) this.readLog();
    this.parts.onlines(found.run);
  }

  async readLog() {
    const { turn } = this, told = await get(`/api/train/runs/${encodeURIComponent(this.run.run)}/log`).then(({ log }) => log || "Nothing was written yet.", (error) => error.message);
    const { log } = this, marked = document.getSelection(), reads = marked && !marked.isCollapsed && marked.containsNode(log, true);
    if (turn !== this.turn || told === log.textContent || reads) return;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 4; // whoever reads further up stays there
    log.textContent = told;
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  openLog() {
    this.logs.open = true;
    this.logs.scrollIntoView({ block: "nearest" });
  }

  drawHead() {
    const { run } = this, left = run.state === "running" && run.eta_s !== null ? timeLeft(run.eta_s) : run.seconds ? span(run.seconds) : "", last = this.journal.checkpoints.at(-1);
    const said = [perStep(run.seconds_per_step), left, run.tokens_per_s && `${Math.round(run.tokens_per_s)} tokens a second`, memoryOf(run)].filter(Boolean).join(", ");
    this.head.setAttribute("aria-label", `Run ${run.name}`);
    this.title.textContent = run.name;
    replace(this.live, stateOf(run), el("span", { class: "t2" }, run.of ? `step ${run.step} of ${run.of}` : "not begun"), run.of > 0 && bar(run.step, run.of, { label: "Steps", state: run.state, width: "140px" }), el("span", { class: "t3 sm" }, said));
    this.saved.hidden = run.checkpoint === 0;
    replace(this.saved, icon("check"), last?.at ? `checkpoint ${clock(last.at)}, step ${run.checkpoint}` : `checkpoint of step ${run.checkpoint}`);
    if (this.tools.querySelector(".menu:not([hidden])")) return; // somebody is choosing
    const held = this.tools.contains(document.activeElement) ? document.activeElement.dataset.key ?? "menu" : null, about = [run.run, run.state, run.adapter, run.listener, run.resumable, run.command, run.deletable];
    place(this.tools, [this.kept.node("button", about, () => this.button(run) ?? el("span")), this.kept.node("menu", about, () => this.menuOf(run))]);
    if (held && !this.tools.contains(document.activeElement)) (this.tools.querySelector(`[data-key="${held}"]`) ?? this.tools.querySelector("[aria-haspopup]")).focus();
  }

  button(run) {
    const button = (words, verb, cls = "btn") => el("button", { class: `${cls} makes`, type: "button", "data-key": verb, onclick: () => this.parts.act(run, verb) }, words);
    if (run.state === "running") return button("Stop and keep", "stop");
    if (run.state === "waiting") return button("Take it off the queue", "stop", "btn q");
    return run.resumable ? button("Resume", "resume") : null;
  }

  menuOf(run) {
    const menu = makeMenu({ name: `More about ${run.name}`, cls: "btn q i", face: el("span", { "aria-hidden": "true" }, "⋯"), right: true, fill: (close) => {
      const one = (words, verb) => action(words, () => { close(); this.parts.act(run, verb); });
      return [one("Same settings, as a new run", "clone"), one("Log", "log"), run.command && action("Copy the command", () => { close(); copy(run.command, "The command is copied."); }), run.adapter && [one("Export the adapter…", "export"), one("Merge into the base…", "merge"), one("Push to a hub…", "push")], run.listener && one("Before and after", "test"), !active(run.state) && one("Delete…", "delete")].flat().filter(Boolean);
    } });
    menu.node.classList.add("makes");
    return menu.node;
  }

  // Stopping, waiting, stopped, failed: a sentence, and what to do next. Made anew only when it says something else.
  drawHow() {
    const { run } = this, button = (words, verb, cls, body) => el("button", { class: `${cls} makes`, type: "button", "data-key": verb, onclick: () => this.parts.act(run, verb, body) }, words), next = run.next && !run.words.includes(run.next) ? run.next : "";
    const make = {
      stopping: () => el("div", { class: "panel pb col" }, el("p", {}, `Finishes step ${run.step + 1}, writes a checkpoint, then ends.${run.seconds_per_step ? ` About ${span(run.seconds_per_step + 5)}.` : ""}`), el("p", { class: "sm t3" }, "Resuming from it gives the same weights as never stopping."), el("div", { class: "row" }, button(run.checkpoint ? `Stop at once, keep step ${run.checkpoint}` : "Stop at once, keep nothing", "stop", "btn q x", { now: true }))),
      failed: () => el("div", { class: "col" }, note("bad", el("b", {}, run.words), ...(next ? [el("br"), next] : [])), el("div", { class: "row w" }, run.resumable && button("Resume", "resume", "btn"), el("button", { class: "btn q", type: "button", onclick: () => this.openLog() }, "Log, the last lines"), button("Same settings, as a new run", "clone", "btn q"))),
      waiting: () => note("info", run.words),
      stopped: () => next && note("info", next),
    }[run.state], about = [run.run, run.state, run.state === "stopping" ? [run.step, run.checkpoint] : run.words, next, run.resumable];
    const told = this.kept.node("how", about, () => make?.() || null), alerts = run.alerts.map((one) => this.kept.node(`alert ${one.step} ${one.what}`, [run.run, one, this.journal.steps.length > 0], () => this.alert(one)));
    place(this.how, [told].filter(Boolean));
    place(this.alerts, alerts);
    this.alerts.hidden = alerts.length === 0;
    this.how.hidden = this.how.childElementCount === 0;
  }

  alert(one) {
    const show = () => { this.hover(one.step); this.grid.scrollIntoView({ block: "center" }); };
    return note("warn", one.sentence, " ", this.journal.steps.length > 0 && el("button", { class: "linky", type: "button", onclick: show }, "Show where it began"));
  }

  drawCharts() {
    const { first, more } = plotsOf(this.journal, this.run, this.floor), plots = [...first, ...more], none = this.journal.steps.length + this.journal.rounds.length === 0;
    this.grid.hidden = this.more.hidden = none;
    if (none) return;
    while (this.charts.length < plots.length) this.charts.push(new Chart({ onhover: (step) => this.hover(step) }));
    const shown = this.charts.slice(0, plots.length).map(({ node }) => node), place = (into, nodes) => { if (nodes.some((node, at) => into.children[at] !== node) || into.children.length !== nodes.length) replace(into, nodes); };
    place(this.grid, shown.slice(0, first.length));
    place(this.rest, shown.slice(first.length));
    this.more.firstElementChild.textContent = this.run.stage === "dpo" ? "Pairs told apart, gradient, time" : "Gradient, time";
    plots.forEach((plot, at) => this.charts[at].draw(plot));
  }

  hover(step) { for (const chart of this.charts) if (chart.node.isConnected) chart.hover(step); }
}
