// The dialog that asks a listener: who, which questions, shown how, about what; what it will cost and what leaves this machine; then the runs.
// On the left what is chosen, on the right the server's plan of it. Adding a listener or copying a question set takes the place of both for a while.
import { get, post } from "../base/api.js";
import { openDialog, submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { makeListenerForm } from "./listeners_form.js";
import { drawPlan } from "./listeners_plan.js";
import { makeRoster } from "./listeners_roster.js";
import { dollars } from "../base/place.js";
import { makeSetForm, makeSetPicker } from "./question_sets.js";
import { plural } from "./parts.js";

const WAIT_MS = 250;
const POLL_MS = 700;
const STORE = "thud.ask";
const TASK_WORDS = { sync: "in sync, early or late", existence: "is there sound", consistency: "does the sound belong" };
const remembered = () => { try { return JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch { return {}; } };
const remember = (model) => { try { localStorage.setItem(STORE, JSON.stringify(model)); } catch { /* storage is off: fresh next time */ } };

// onstarted(runId, title) for each run that was started, onclose(); wanted: what is chosen at first {listener, set, arms, tasks, clips: ids, not there = all}. Returns the dialog.
export function openListeners(root, options = {}) {
  return new ListenersDialog(root, options).dialog;
}

class ListenersDialog {
  constructor(root, { onstarted = () => {}, onclose = null, wanted = null }) {
    Object.assign(this, { onstarted, found: null, plan: null, asked: 0, timer: 0, sending: false, cards: null, testing: null, these: wanted?.clips ?? null });
    this.model = { listener: "", set: "", arms: null, tasks: null, conditions: null, clips: "all", filter: "", again: false, override: false, ...remembered(), ...(wanted && { conditions: null, again: false, override: false, ...wanted, clips: wanted.clips ? "these" : "all" }) };
    this.said = el("p", { class: "sr", role: "status" });
    this.told = el("div", { class: "ask-told", role: "status" });
    this.ledger = el("p", { class: "sm t3 spent" });
    this.go = el("button", { class: "btn p", type: "button", "aria-keyshortcuts": "Control+Enter", onclick: () => this.start() });
    this.left = el("div", { class: "pb left ask-left" }, Array.from({ length: 10 }, () => el("i", { class: "sk row-sk" })));
    this.right = el("div", { class: "pb col pv" }, el("h3", {}, "What will happen"), Array.from({ length: 5 }, () => el("i", { class: "sk row-sk" })));
    this.main = el("div", { class: "dg" }, this.left, this.right);
    this.host = el("div", { class: "ask-host" }, this.main);
    const cancel = el("button", { class: "btn q", type: "button", onclick: () => this.dialog.close() }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "Esc"));
    this.foot = el("div", { class: "ph end" }, this.ledger, this.said, el("span", { class: "sp" }), cancel, this.go);
    this.lead = el("span", { class: "t2 lead" });
    this.dialog = openDialog(root, { title: "Ask listeners", lead: this.lead, cls: "build ask", body: this.host, foot: this.foot,
      onclose: () => { clearTimeout(this.timer); this.asked += 1; onclose?.(); } });
    this.title = this.dialog.node.querySelector("#dialog-title");
    this.dialog.node.addEventListener("keydown", (event) => this.key(event));
    this.label(null);
    this.begin();
    this.spent();
  }

  // Ctrl+Enter sends what is seen; Esc in a form goes back to the plan, not away from all of it.
  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (this.form) this.form.submit(); else this.start();
    } else if (event.key === "Escape" && this.form) {
      event.preventDefault();
      event.stopPropagation();
      this.back();
    }
  }

  get row() { return this.found.listeners.find((row) => row.name === this.model.listener) ?? this.found.listeners[0]; }
  get set() { return this.found.sets.find((set) => set.id === this.model.set) ?? this.found.sets.find((set) => set.style === "structured") ?? this.found.sets[0]; }
  get arms() {
    const { row } = this, chosen = (this.model.arms ?? row.arms).filter((arm) => row.allowed_arms.includes(arm));
    return chosen.length || this.model.arms?.length === 0 ? chosen : row.allowed_arms.slice(0, 1);
  }
  get tasks() { return this.found.tasks.filter((task) => this.taskProblem(task) === "" && (this.model.tasks ?? this.found.tasks).includes(task)); }
  get conditions() { return this.found.conditions.map(({ id }) => id).filter((id) => (this.model.conditions ?? this.found.conditions.map((one) => one.id)).includes(id)); }

  taskProblem(task) {
    if (!this.set.tasks.includes(task)) return "this question set does not ask about it";
    return this.row.allowed_tasks.includes(task) ? "" : `${this.row.name} cannot be asked about it`;
  }

  async begin() {
    try { await this.load(); } catch (error) {
      replace(this.left, el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, error.message)), el("button", { class: "btn s start", type: "button", onclick: () => this.begin() }, "Try again"));
      replace(this.right, el("h3", {}, "What will happen"), el("p", { class: "sm t3" }, "Nothing is planned yet."));
      return;
    }
    this.draw();
    this.changed({ now: true });
    if (this.model.clips === "filter") this.loadCards();
    this.go.focus();
  }

  async load() { this.found = await get("/api/listeners", { signal: this.dialog.signal }); }

  draw() {
    const { found } = this, stimuli = found.conditions.reduce((sum, one) => sum + one.stimuli, 0);
    this.lead.textContent = stimuli ? `about ${plural(stimuli, "stimulus", "stimuli")} of ${plural(found.clips, "clip")}` : "nothing is built yet: build soundtracks on the Clips page first";
    this.roster = makeRoster({ found, row: this.row, arms: this.arms, testing: this.testing, told: this.told,
      onpick: (name) => { Object.assign(this.model, { listener: name, arms: null, override: false }); this.redraw(); },
      onadd: () => this.edit(null, "add"), onedit: (row) => this.edit(row, "edit"), onclone: (row) => this.edit(row, "clone"),
      onremove: (row) => this.remove(row), ontest: (row, arm) => this.test(row, arm), onstop: () => this.stop() });
    this.picker = makeSetPicker({ sets: found.sets, set: this.set, open: this.picker?.isOpen() ?? false, signal: this.dialog.signal,
      onpick: (id) => { this.model.set = id; this.redraw(); }, oncopy: (full) => this.copy(full) });
    replace(this.left, this.roster.node, this.picker.node, this.shown());
  }

  // The same again after a choice, with the focus where it was.
  redraw() {
    const held = this.left.contains(document.activeElement) ? document.activeElement.closest("[data-key]")?.dataset.key : null;
    const scrolled = this.roster?.list.scrollTop ?? 0;
    this.draw();
    this.roster.list.scrollTop = scrolled;
    if (held) this.left.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
    this.changed();
  }

  shown() {
    const { found, row } = this;
    const all = found.conditions.map((one) => one.id);
    const arms = found.arms.map((arm) => this.box("arms", arm.id, this.arms, arm.title, { off: !row.allowed_arms.includes(arm.id), title: row.allowed_arms.includes(arm.id) ? arm.words : row.senses }));
    const tasks = found.tasks.map((task) => this.box("tasks", task, this.tasks, task, { off: this.taskProblem(task) !== "", title: this.taskProblem(task) || TASK_WORDS[task], all: found.tasks }));
    const conditions = found.conditions.map(({ id, stimuli }) => this.box("conditions", id, this.conditions, el("span", { class: `cd ${id}` }, icon(id), id, el("span", { class: "t3" }, ` ${stimuli}`)), { off: stimuli === 0, title: stimuli ? null : "none of these is built", all }));
    const again = el("input", { type: "checkbox", "data-key": "again", onchange: () => { this.model.again = again.checked; this.changed(); } });
    again.checked = this.model.again;
    const line = (words, nodes) => el("div", { class: "ask-line", role: "group", "aria-label": words }, el("span", { class: "t3 sm" }, words), el("div", { class: "row w g12" }, nodes));
    return el("section", { class: "ask-part" }, el("h3", {}, "Shown how, and about what"), line("Shown", arms), line("Tasks", tasks), line("Conditions", conditions), line("Clips", this.clips()),
      line("Earlier", [el("label", { class: "fl" }, again, "Ask again", el("span", { class: "sm t3" }, "what was cut off or lost; it may be billed twice")) ]));
  }

  // One of several that may be chosen. name: the list in the model; all: what is chosen when it was never touched.
  box(name, id, chosen, words, { off, title, all = null }) {
    const input = el("input", { type: "checkbox", disabled: off, "data-key": `${name}-${id}`, onchange: () => {
      const rest = (name === "arms" ? this.arms : this.model[name] ?? all).filter((one) => one !== id);
      this.model[name] = input.checked ? [...rest, id] : rest;
      if (name === "arms") this.redraw(); else this.changed();
    } });
    input.checked = !off && chosen.includes(id);
    return el("label", { class: `fl${off ? " off" : ""}`, title }, input, words);
  }

  clips() {
    const { model } = this;
    const count = el("span", { class: "sm t3" });
    const input = el("input", { class: "in s", type: "search", value: model.filter, size: "22", placeholder: "name, sound or id", "aria-label": "Which clips: name, sound or id", "data-key": "filter", spellcheck: "false", autocomplete: "off" });
    const tell = () => { input.hidden = count.hidden = model.clips !== "filter"; count.textContent = this.cards ? `${this.filtered().length} of ${this.cards.length}` : ""; };
    input.addEventListener("input", () => { model.filter = input.value; tell(); this.changed(); });
    const radio = (id, words) => {
      const one = el("input", { type: "radio", name: "ask-clips", "data-key": `clips-${id}`, onchange: () => { model.clips = id; tell(); if (id === "filter") { this.loadCards(tell); input.focus(); } this.changed(); } });
      one.checked = model.clips === id;
      return el("label", { class: "fl" }, one, words);
    };
    tell();
    this.tellClips = tell;
    return [radio("all", "All"), this.these && radio("these", `The ${plural(this.these.length, "clip")} it was asked about`), radio("filter", "Only"), input, count];
  }

  filtered() {
    const words = this.model.filter.toLowerCase().split(/\s+/).filter(Boolean);
    return (this.cards ?? []).filter((card) => words.every((word) => [card.title, card.name, card.kind, card.source, card.id].some((text) => (text ?? "").toLowerCase().includes(word))));
  }

  async loadCards() {
    if (this.cards) return;
    try { this.cards = (await get("/api/clips", { signal: this.dialog.signal })).clips; } catch (error) { this.fault(error); return; }
    this.tellClips?.();
    this.changed();
  }

  body() {
    const { model } = this;
    return { listener: this.row.name, set: this.set.id, arms: this.arms, tasks: this.tasks, conditions: this.conditions, again: model.again, override: model.override,
      clips: model.clips === "all" ? null : model.clips === "these" ? this.these : this.filtered().map((card) => card.id) };
  }

  label(plan) {
    const ready = plan !== null && plan.items > 0 && !plan.blocked;
    this.go.setAttribute("aria-disabled", String(!ready));
    replace(this.go, plan === null ? "Ask …" : plan.blocked ? "Cannot start" : plan.items === 0 ? "Nothing to ask" : `Ask ${plural(plan.items, "item")}`, ready ? submitKey() : null);
  }

  changed({ now = false } = {}) {
    const { listener, set, arms, tasks, conditions, clips, filter } = { ...this.model, listener: this.row.name, set: this.set.id };
    remember({ listener, set, arms, tasks, conditions, clips: clips === "these" ? "all" : clips, filter });
    this.plan = null;
    this.asked += 1; // an answer that is on its way is about something else
    this.right.setAttribute("aria-busy", "true");
    this.label(null);
    clearTimeout(this.timer);
    if (this.model.clips === "filter" && !this.cards) return; // asked for when it is known which clips these are
    this.timer = setTimeout(() => this.ask(), now ? 0 : WAIT_MS);
  }

  async ask() {
    const mine = (this.asked += 1);
    let plan = null, failure = null;
    try { plan = await post("/api/listeners/plan", this.body()); } catch (error) { failure = error; }
    if (mine !== this.asked) return; // a newer question is on its way
    this.plan = plan;
    this.right.removeAttribute("aria-busy");
    this.label(plan);
    if (failure) { this.fault(failure); return; }
    this.said.textContent = `${plan.items} to ask, ${dollars(plan.cost_usd)}${plan.blocked ? `. ${plan.blocked}` : ""}`;
    drawPlan(this.right, plan, { override: this.model.override, onoverride: (on) => { this.model.override = on; this.changed({ now: true }); } });
  }

  fault(error) {
    this.right.removeAttribute("aria-busy");
    replace(this.right, el("h3", {}, "What will happen"), el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, error.message)),
      el("button", { class: "btn s start", type: "button", onclick: () => { this.go.focus(); this.ask(); } }, "Try again"));
  }

  // What all runs so far have cost, as far as prices are known.
  async spent() {
    try {
      const found = await get("/api/ledger", { signal: this.dialog.signal });
      this.ledger.textContent = found.replies === 0 ? "Nothing has been asked of a model yet." : `So far ${plural(found.replies, "reply", "replies")}, ${dollars(found.cost_usd)}${found.unpriced ? `, ${found.unpriced} without a known price` : ""}.`;
    } catch { /* the dialog works without it */ }
  }

  async start() {
    if (!this.plan || this.plan.blocked || this.plan.items === 0 || this.sending || this.form) return;
    this.sending = true;
    try {
      const { runs } = await post("/api/listeners/start", this.body());
      this.dialog.close();
      runs.forEach(({ id, title }) => this.onstarted(id, title));
    } catch (error) {
      this.right.querySelector(".note[role=alert]")?.remove();
      this.right.prepend(el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, error.message)));
    }
    this.sending = false;
  }

  // --- who can be asked

  openForm(title, form) {
    this.form = form;
    this.title.textContent = title;
    this.lead.hidden = this.foot.hidden = true;
    replace(this.host, form.node);
    form.focus();
  }

  back(key = null) {
    const from = this.form?.key ?? null;
    this.form = null;
    this.title.textContent = "Ask listeners";
    this.lead.hidden = this.foot.hidden = false;
    replace(this.host, this.main);
    this.left.querySelector(`[data-key="${CSS.escape(key ?? from ?? "")}"]`)?.focus();
  }

  edit(row, way) {
    const title = { add: "Add a listener", edit: `Edit ${row?.name}`, clone: `Clone ${row?.name}` }[way];
    this.openForm(title, makeListenerForm({ found: this.found, row, way, oncancel: () => this.back(), onsaved: async ({ listener }) => {
      Object.assign(this.model, { listener: listener.name, arms: null });
      await this.reload(`${listener.name} is saved.`);
      this.back(`listener-${listener.name}`);
      this.roster.reveal();
    } }));
  }

  async reload(words = "", action = null) {
    try { await this.load(); } catch (error) { this.tell(error.message, { level: "bad" }); return; }
    this.redraw();
    this.tell(words, { action });
  }

  tell(words, { level = "ok", action = null } = {}) {
    replace(this.told, words ? el("span", { class: `st top ${level}` }, icon({ ok: "check", bad: "x", warn: "alert" }[level]), el("span", {}, words)) : null,
      action && el("button", { class: "btn s", type: "button", "data-key": "told", onclick: action.run }, action.label));
  }

  async remove(row) {
    try { await post("/api/listeners/remove", { name: row.name }); } catch (error) { this.tell(error.message, { level: "bad" }); return; }
    const undo = async () => {
      try { await post("/api/listeners/save", { listener: row.settings }); } catch (error) { this.tell(error.message, { level: "bad" }); return; }
      this.model.listener = row.name;
      await this.reload(`${row.name} is back.`);
      this.roster.reveal();
    };
    await this.reload(`${row.name} is removed; its answers stay.`, { label: "Undo", run: undo });
    this.told.querySelector("button")?.focus();
  }

  // --- whether it hears

  async test(row, arm) {
    let run;
    try { run = await post("/api/listeners/canary", { listener: row.name, arm }); } catch (error) { this.tell(error.message, { level: "bad" }); return; }
    this.testing = { id: run.run, name: row.name };
    this.tell("");
    this.draw();
    this.left.querySelector("[data-key=stop]")?.focus();
    this.follow(run.run);
  }

  async follow(id) {
    let run = null;
    while (!this.dialog.signal.aborted && (run === null || run.state === "queued" || run.state === "running")) {
      await new Promise((done) => { setTimeout(done, POLL_MS); });
      if (this.dialog.signal.aborted) return;
      try { run = await get(`/api/runs/${encodeURIComponent(id)}`, { signal: this.dialog.signal }); } catch (error) {
        if (this.dialog.signal.aborted) return;
        this.tell(error.message, { level: "warn" });
      }
    }
    const held = document.activeElement?.dataset.key === "stop", { name } = this.testing;
    this.testing = null;
    await this.reload();
    const words = run.message || { done: "Tested.", cancelled: "Stopped: nothing was found out.", failed: "The test failed." }[run.state];
    this.tell(`${name}: ${words}`, { level: run.state === "done" && !run.problems.length ? "ok" : run.state === "failed" ? "bad" : "warn" });
    if (held) this.left.querySelector("[data-key=test]")?.focus();
  }

  async stop() {
    try { await post(`/api/runs/${encodeURIComponent(this.testing.id)}/cancel`); } catch (error) { this.tell(error.message, { level: "warn" }); }
  }

  // --- what is asked

  copy(full) {
    this.openForm(`Copy ${full.name}`, makeSetForm({ set: full, names: this.found.sets.map((set) => set.name), tasks: this.found.tasks, oncancel: () => this.back(), onsaved: async ({ set }) => {
      this.model.set = set.id;
      await this.reload(`${set.name} is saved as a set of its own.`);
      this.back("set");
    } }));
  }
}
