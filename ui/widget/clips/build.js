// The build dialog: settings on the left, what they will do on the right, asked from the server as they change.
import { post } from "../base/api.js";
import { openDialog, submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { makeSettings } from "./settings.js";
import { donorTable, tryPanel } from "./tryout.js";

const WAIT_MS = 200;
const REFUSALS_SHOWN = 50;
const GLYPH = { ok: "check", warn: "alert", bad: "x" };

const figure = (value, cls = "") => el("td", { class: `num ${value ? cls : "t3"}` }, String(value));

function planTable(plan) {
  const sum = (key) => plan.rows.reduce((total, row) => total + row[key], 0);
  const rows = plan.rows.map((row) => el("tr", {}, el("td", {}, el("span", { class: `cd ${row.condition}` }, icon(row.condition), row.condition)),
    figure(row.build), figure(row.refused, "warn"), figure(row.reused)));
  return el("table", { class: "c plan" },
    el("thead", {}, el("tr", {}, el("th", {}, "condition"), ...["build", "refused", "reused"].map((word) => el("th", { class: "num" }, word)))),
    el("tbody", {}, ...rows, el("tr", { class: "b" }, el("td", {}, "all"), ...["build", "refused", "reused"].map((key) => figure(sum(key))))));
}

function refusals(plan, cards) {
  if (!plan.refused.length) return null;
  const named = (id) => cards.find((card) => card.id === id)?.name ?? id;
  return el("details", { class: "refusals" }, el("summary", { class: "sm t2" }, "What is refused, and why"),
    el("ul", { class: "sm" }, ...plan.refused.slice(0, REFUSALS_SHOWN).map((each) =>
      el("li", {}, el("span", { class: "mono" }, named(each.clip)), ` ${each.condition} ${each.asked}: `, el("span", { class: "t2" }, each.reason))),
    plan.refused.length > REFUSALS_SHOWN ? el("li", { class: "t3" }, `and ${plan.refused.length - REFUSALS_SHOWN} more`) : null));
}

// clips: ids or null for all; cards: those clips; all: every card (donors may be any); usual: the server's settings. onstarted(runId, title), onopen(id), onclose().
export function openBuild(root, options) {
  return new BuildDialog(root, options).dialog;
}

class BuildDialog {
  constructor(root, { clips, cards, all, usual, onstarted, onopen, onclose }) {
    Object.assign(this, { clips, cards, all, onstarted, onopen, plan: null, asked: 0, timer: 0, showing: "", sending: false });
    this.right = el("div", { class: "pb col pv" }, el("h3", {}, "What will happen"), ...Array.from({ length: 6 }, () => el("i", { class: "sk row-sk" })));
    this.below = el("div", { class: "below col" });
    this.said = el("p", { class: "sr", role: "status" });
    this.donors = el("button", { class: "btn q s", "aria-expanded": "false", onclick: () => this.show("donors") }, "Look at donors");
    this.tryout = el("button", { class: "btn", "aria-expanded": "false", onclick: () => this.show("try") }, "Preview on one clip");
    this.form = makeSettings({ usual, donorsButton: this.donors, onchange: () => this.soon() });
    this.go = el("button", { class: "btn p", "aria-keyshortcuts": "Control+Enter", onclick: () => this.start() });
    this.dialog = this.open(root, onclose);
    this.dialog.node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.start(); }
    });
    this.pending();
    this.ask();
    this.go.focus();
  }

  open(root, onclose) {
    const cancel = el("button", { class: "btn q", onclick: () => this.dialog.close() }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "Esc"));
    return openDialog(root, {
      title: "Build soundtracks", lead: el("span", { class: "t2 lead" }, this.lead()), cls: "build",
      body: el("div", { class: "dg" }, el("div", { class: "pb left" }, this.form.node, this.below), this.right),
      foot: el("div", { class: "ph end" }, this.tryout, el("span", { class: "sm t3" }, "Same settings and seed give the same bytes."), this.said, el("span", { class: "sp" }), cancel, this.go),
      onclose: () => { clearTimeout(this.timer); this.asked += 1; onclose?.(); },
    });
  }

  lead() {
    if (this.clips === null) return `for all ${this.cards.length} clips`;
    return this.cards.length === 1 ? `for ${this.cards[0].title || this.cards[0].name}` : `for ${this.cards.length} clips chosen by the filter`;
  }

  label(total) {
    const ready = total !== null && total > 0;
    this.go.setAttribute("aria-disabled", String(!ready));
    replace(this.go, total === null ? "Build …" : total === 0 ? "Nothing to build" : `Build ${total} ${total === 1 ? "stimulus" : "stimuli"}`, ready ? submitKey() : null);
  }

  pending() {
    this.plan = null;
    this.right.setAttribute("aria-busy", "true");
    this.label(null);
  }

  soon() {
    this.pending();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  async ask() {
    const mine = (this.asked += 1);
    let plan = null, failure = null;
    try { plan = await post("/api/build/plan", { clips: this.clips, settings: this.form.settings() }); } catch (error) { failure = error; }
    if (mine !== this.asked) return; // a newer question is on its way
    this.plan = plan;
    this.right.removeAttribute("aria-busy");
    this.label(plan?.total ?? null);
    if (failure) {
      replace(this.right, el("h3", {}, "What will happen"), el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, failure.message)),
        el("button", { class: "btn s start", onclick: () => { this.go.focus(); this.ask(); } }, "Try again")); // this button goes away
    } else this.drawPlan(plan);
  }

  drawPlan(plan) {
    this.said.textContent = `${plan.total} to build, ${plan.refused.length} refused`;
    replace(this.right, el("h3", {}, "What will happen"), planTable(plan),
      el("div", { class: "col g4y" }, ...plan.notes.map((note) => el("span", { class: `st ${note.level}` }, icon(GLYPH[note.level] ?? "info"), el("span", {}, note.text)))),
      refusals(plan, this.cards));
    this.form.markRefused(plan.refused);
    this.donors.hidden = plan.donors === undefined;
    if (this.showing === "donors") this.drawBelow();
  }

  show(what) {
    this.showing = this.showing === what ? "" : what;
    this.donors.setAttribute("aria-expanded", String(this.showing === "donors"));
    this.tryout.setAttribute("aria-expanded", String(this.showing === "try"));
    this.drawBelow();
    this.below.scrollIntoView({ block: "nearest" });
  }

  drawBelow() {
    if (this.showing === "donors") replace(this.below, ...donorTable(this.plan?.donors ?? [], this.all, { onrejected: () => this.ask() }));
    else if (this.showing === "try") {
      const [timed, rest] = [true, false].map((known) => this.cards.filter((card) => (card.audio_s !== null) === known));
      replace(this.below, ...tryPanel({ cards: [...timed, ...rest], settings: this.form.settings, signal: this.dialog.signal,
        onopen: (id) => { this.dialog.close(); this.onopen(id); } }));
    } else replace(this.below);
  }

  async start() {
    if (!this.plan || this.plan.total === 0 || this.sending) return;
    this.sending = true;
    try {
      const { run } = await post("/api/build", { clips: this.clips, settings: this.form.settings() });
      this.onstarted(run, `Build soundtracks for ${this.cards.length} ${this.cards.length === 1 ? "clip" : "clips"}`);
      this.dialog.close();
    } catch (error) {
      this.right.prepend(el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, error.message)));
    }
    this.sending = false;
  }
}
