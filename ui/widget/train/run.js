// One run: how it stands and what can be done about it, its charts as they grow, its log.
import { get } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { note } from "../pairs/parts.js";
import { action, makeMenu } from "../results/menu.js";
import { Chart } from "./chart.js";
import { Journal, plotsOf } from "./curves.js";
import { active, bar, clock, gigabytes, perStep, span, stateOf, timeLeft } from "./parts.js";

const EVERY_MS = 1000;

// parts: {act(run, verb), onlines(): the journal has grown}.
export class RunPanel {
  constructor(parts) {
    this.parts = parts;
    this.run = null;
    this.journal = new Journal();
    this.head = el("section", { class: "panel rh", "aria-label": "Run" });
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

  // Another run than the one shown begins from its first line.
  show(run) {
    if (run.run !== this.run?.run) { this.journal.clear(); this.offset = ""; this.asked = null; this.floor = null; }
    this.run = run;
    this.drawHead();
    this.drawHow();
    this.drawCharts();
    this.read();
  }

  // Lines that were written since. Asked again every second while the run is at work and the page is seen.
  async read() {
    clearTimeout(this.timer);
    if (this.asked) return this.asked;
    const { run } = this.run;
    this.asked = (async () => {
      try {
        const found = await get(`/api/train/runs/${encodeURIComponent(run)}?offset=${encodeURIComponent(this.offset)}`);
        if (run !== this.run?.run) return;
        if (found.restarted) this.journal.clear();
        this.journal.take(found.lines);
        this.offset = found.offset;
        this.floor = found.floor;
        this.run = found.run;
        this.drawHead();
        this.drawHow();
        if (found.lines.length || found.restarted) this.drawCharts();
        if (this.logs.open && active(found.run.state)) this.readLog();
        this.parts.onlines(found.run);
      } catch { /* the banner says that the server is away; the next round asks again */ }
    })();
    await this.asked;
    this.asked = null;
    if (run === this.run?.run && active(this.run.state)) this.timer = setTimeout(() => this.read(), document.hidden ? 10 * EVERY_MS : EVERY_MS);
  }

  async readLog() {
    try { this.log.textContent = (await get(`/api/train/runs/${encodeURIComponent(this.run.run)}/log`)).log || "Nothing was written yet."; } catch (error) { this.log.textContent = error.message; }
    this.log.scrollTop = this.log.scrollHeight;
  }

  openLog() {
    this.logs.open = true;
    this.logs.scrollIntoView({ block: "nearest" });
  }

  drawHead() {
    const { run } = this, at = [run.of ? `step ${run.step} of ${run.of}` : "not begun", perStep(run.seconds_per_step)].filter(Boolean), left = run.state === "running" && run.eta_s !== null ? timeLeft(run.eta_s) : run.seconds ? span(run.seconds) : "";
    const said = [at[1], left, run.tokens_per_s && `${Math.round(run.tokens_per_s)} tokens a second`, run.memory_gb && gigabytes(run.memory_gb)].filter(Boolean).join(", "), last = this.journal.checkpoints.at(-1);
    this.head.setAttribute("aria-label", `Run ${run.name}`);
    const held = this.head.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    if (this.menu?.node.querySelector(".menu:not([hidden])")) return; // somebody is choosing
    replace(this.head, el("div", { class: "row w rh1" }, el("h2", {}, run.name), stateOf(run), el("span", { class: "t2" }, at[0]), run.of > 0 && bar(run.step, run.of, { label: "Steps", state: run.state, width: "140px" }), el("span", { class: "t3 sm" }, said), el("span", { class: "sp" }),
      run.checkpoint > 0 && el("span", { class: "st ok sm" }, icon("check"), last?.at ? `checkpoint ${clock(last.at)}, step ${run.checkpoint}` : `checkpoint of step ${run.checkpoint}`), this.buttons(run), this.menuOf(run)));
    if (held) this.head.querySelector(`[data-key="${held}"]`)?.focus();
  }

  buttons(run) {
    const button = (words, verb, cls = "btn") => el("button", { class: `${cls} makes`, type: "button", "data-key": verb, onclick: () => this.parts.act(run, verb) }, words);
    if (run.state === "running") return button("Stop and keep", "stop");
    if (run.state === "waiting") return button("Take it off the queue", "stop", "btn q");
    if (run.state === "stopping") return null;
    return run.resumable && run.state !== "done" ? button(run.state === "failed" ? "Resume" : "Resume", "resume") : null;
  }

  menuOf(run) {
    this.menu = makeMenu({ name: `More about ${run.name}`, cls: "btn q i", face: el("span", { "aria-hidden": "true" }, "⋯"), right: true, fill: (close) => {
      const one = (words, verb) => action(words, () => { close(); this.parts.act(run, verb); });
      return [one("Same settings, as a new run", "clone"), one("Log", "log"), run.adapter && [one("Export the adapter…", "export"), one("Merge into the base…", "merge"), one("Push to a hub…", "push")], run.listener && one("Before and after", "test"), !active(run.state) && one("Delete…", "delete")].flat().filter(Boolean);
    } });
    this.menu.node.classList.add("makes");
    return this.menu.node;
  }

  // Stopping, waiting, stopped, failed: a sentence, and what to do next.
  drawHow() {
    const { run } = this, button = (words, verb, cls) => el("button", { class: `${cls} makes`, type: "button", onclick: () => this.parts.act(run, verb) }, words);
    const nodes = {
      stopping: () => el("div", { class: "panel pb col" }, el("p", {}, `Finishes step ${run.step + 1}, writes a checkpoint, then ends.${run.seconds_per_step ? ` About ${span(run.seconds_per_step + 5)}.` : ""}`), el("p", { class: "sm t3" }, "Resuming from it gives the same weights as never stopping."), el("div", { class: "row" }, button(run.checkpoint ? `Stop at once, keep step ${run.checkpoint}` : "Stop at once, keep nothing", "stop", "btn q x"))),
      failed: () => el("div", { class: "col" }, note("bad", el("b", {}, run.words), ...(run.next ? [el("br"), run.next] : [])), el("div", { class: "row w" }, run.resumable && button("Resume", "resume", "btn"), el("button", { class: "btn q", type: "button", onclick: () => this.openLog() }, "Log, the last lines"), button("Same settings, as a new run", "clone", "btn q"))),
      waiting: () => note("info", run.words),
      stopped: () => run.next && note("info", run.next),
    };
    replace(this.how, nodes[run.state]?.());
    replace(this.alerts, run.alerts.map((one) => note("warn", one.sentence, " ", this.journal.steps.length > 0 && el("button", { class: "linky", type: "button", onclick: () => { this.hover(one.step); this.grid.scrollIntoView({ block: "center" }); } }, "Show where it began"))));
    this.alerts.hidden = run.alerts.length === 0;
    this.how.hidden = this.how.childElementCount === 0;
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
