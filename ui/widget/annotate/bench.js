// The workbench: one clip at a time, its sounds, everybody's marks and one's own. Built once; shows one task after the other.
import { post } from "../base/api.js";
import { rowsOf } from "../base/annotators.js";
import { openHistory, openRefused } from "./dialogs.js";
import { MarksTable, Why } from "./table.js";
import { Actions, capOf, emptyState, Progress, SaveState, state } from "./view.js";
import { bindingsOf, KEYS_SHOWN } from "./keys.js";
import { Ear } from "./ear.js";
import { Hand, hint } from "./hand.js";
import { Sender } from "./send.js";
import { el, number, replace } from "../base/dom.js";
import { Engine } from "../sound/engine.js";
import { icon } from "../base/icons.js";
import { keysOff } from "../base/keys.js";
import { Lanes } from "./lanes.js";
import { BLANK, changed, complete, fromMark, touched, withFirst, withHeard } from "./marks.js";
import { keysBar, Player } from "../sound/player.js";
import { Prefetch } from "../sound/prefetch.js";
import { Timeline } from "../sound/timeline.js";

const TALL = { picture: 80, sound: 56, wave: 64, spectrum: 64 }, LOW = { picture: 78, sound: 50, wave: 44, spectrum: 44 };
const AROUND_S = 1.2, LEAST_VIEW_S = 3;
const idle = window.requestIdleCallback ?? ((run) => setTimeout(run, 50));

export class Bench {
  // queue, outbox: of this person; me: {name, role, …}; settings: {eps_visual_s, eps_audio_s}; adjudicates: sees all marks and decides.
  constructor(root, { queue, outbox, me, adjudicates, canAdjudicate, clips, oncalibrate, onshow }) {
    Object.assign(this, { root, queue, outbox, me, adjudicates, canAdjudicate, clips, oncalibrate, onshow, task: null, draft: BLANK, bundle: null, rows: [], asked: 0, progress: null, tolerance: { picture: 0.8, sound: 0.5 } });
    this.sender = new Sender(this, { person: me.name, adjudicates });
    this.drafts = this.sender.drafts;
    this.engine = new Engine();
    this.prefetch = new Prefetch(this.engine.context, (clip) => this.#firstView(clip).start);
    this.ear = new Ear(this.engine, { loopAround: () => this.#times() });
    this.player = new Player(this.engine, { onselect: (id) => this.ear.hear(id), onloop: () => this.ear.loop(), digits: false });
    this.timeline = new Timeline(this.engine, { onseek: (time_s) => this.ear.seek(time_s), own: { lanes: TALL, low: LOW, view: (clip) => this.#firstView(clip), onview: (sc) => this.#viewed(sc) } });
    this.ear.timeline = this.timeline;
    this.hand = new Hand(this);
    this.bindings = bindingsOf(this);
    this.lanes = new Lanes(this.timeline, { onmove: (lane, time_s, how) => this.hand.drag(lane, time_s, how), onstep: (lane, steps) => this.hand.nudge(lane, steps) });
    this.#build();
    this.engine.subscribe((kind) => { if (kind === "state") this.#listened(); });
  }

  #build() {
    const cap = (id) => () => capOf(this.bindings, id);
    this.title = el("h1", { class: "clip" });
    this.name = el("span", { class: "mono t3 nw clip" });
    this.chips = el("span", { class: "row" });
    this.history = el("button", { class: "btn q s i", type: "button", "aria-label": "History of this clip", title: "History of this clip (h)", onclick: () => this.showHistory() }, icon("clock"));
    this.saveState = new SaveState({ look: (entry) => this.lookAt(entry) });
    this.progressBar = new Progress();
    const head = el("div", { class: "head hd" }, this.title, this.name, this.history, this.chips, el("span", { class: "sp" }), this.saveState.node, this.progressBar.node);
    this.table = new MarksTable({ caps: { picture: cap("annotate.picture"), sound: cap("annotate.sound") }, key: (row) => (row.key ? capOf(this.bindings, `annotate.accept-${row.key}`) : ""), onaccept: (row, lane) => this.hand.accept(row, lane) });
    this.why = new Why();
    this.actions = new Actions(this.bindings, { save: () => this.sender.save(), discard: () => this.sender.discard(), skip: () => this.sender.skip(), undo: () => this.sender.undo(), note: (text) => this.change({ ...this.draft, note: text }) }, this.adjudicates ? { saves: "Decide and next", noteWords: "Note" } : { saves: "Save and next", noteWords: "Note for the adjudicator" });
    this.trouble = el("div", { class: "trouble", hidden: true });
    this.keys = el("div", { class: "foot-keys" });
    const { player, timeline } = this;
    this.work = el("div", { class: "work" }, el("div", { class: "stage2" }, el("div", { class: "pl" }, player.scene, this.trouble), el("div", { class: "side" }, player.tabs, this.table.node, this.why.node, el("span", { class: "sp" }), this.actions.node)), timeline.node, this.keys);
    this.instead = el("div", { class: "instead", hidden: true });
    this.node = el("div", { class: "cpg wb" }, head, this.work, this.instead);
    // A click must not take the keys away from the page: buttons act without keeping the focus.
    this.node.addEventListener("mousedown", (event) => { if (event.target.closest("button,kbd") && !event.target.closest("dialog")) event.preventDefault(); });
    this.rekey();
    this.#bands();
    replace(this.root, this.node);
  }

  // The keys as they are mapped now, wherever they are shown.
  rekey() {
    replace(this.keys, keysBar(this.bindings, KEYS_SHOWN), el("span", { class: "t2 sm nw lo" }, "keys ", el("b", {}, keysOff() ? "off" : "on")), el("button", { class: "btn q s lo", type: "button", title: "How late this machine's sound is, and how fast you press", onclick: this.oncalibrate }, "Calibrate"));
    this.actions.rekey();
    if (this.task) this.draw();
  }

  // ---- which clip
  show(task) {
    const ticket = ++this.asked;
    this.task = task;
    this.instead.hidden = true;
    this.work.hidden = false;
    this.draft = this.drafts.get(task.clip) ?? fromMark(task.mine);
    const bundle = this.prefetch.show(task.clip);
    if (this.bundle && this.bundle !== bundle) this.bundle.onsound = null;
    this.trouble.hidden = true;
    if (bundle.data) this.#render(bundle);
    else {
      this.wait();
      bundle.ready.then(() => { if (ticket === this.asked) this.#render(bundle); }, (error) => { if (ticket === this.asked) this.#broken(error); });
    }
    idle(() => { if (ticket === this.asked) this.near(); }, { timeout: 250 }); // after this clip is painted
  }

  // The window's title and address, once the clip is painted: both go to another process.
  #named() {
    if (!this.task) return;
    document.title = `${this.title.textContent} · thud`;
    this.onshow(this.task.clip);
  }

  // The next clips, so that they are here when they are wanted.
  near() { if (this.task) this.prefetch.want(this.task.clip, this.queue.ahead.map((task) => task.clip)); }

  wait() {
    this.engine.unload();
    this.bundle = null;
    this.node.setAttribute("aria-busy", "true");
    replace(this.title, el("span", { class: "sk line" }));
    for (const part of [this.name, this.chips]) replace(part);
    this.player.show(null);
    this.player.wait();
    this.table.wait();
    this.why.wait();
    this.actions.show({ missing: null, note: "", off: true });
  }

  #broken(error) {
    this.node.removeAttribute("aria-busy");
    this.title.textContent = "This clip cannot be played";
    this.trouble.hidden = false;
    replace(this.trouble, el("div", { class: "note bad", role: "alert" }, icon("alert"), el("span", {}, error.message)), el("div", { class: "row" },
      el("button", { class: "btn", type: "button", onclick: () => this.show(this.task) }, "Try again"), el("button", { class: "btn q", type: "button", onclick: () => this.sender.skip() }, "Skip ", capOf(this.bindings, "annotate.skip"))),
    el("p", { class: "sm t3" }, "Your marks on other clips are not touched. If it stays like this, discard it with reason 5."));
    this.draw();
    this.#named();
  }

  #render(bundle) {
    const { clip, sounds } = bundle.data;
    this.bundle = bundle;
    this.node.removeAttribute("aria-busy");
    this.title.textContent = clip.title || clip.name;
    this.name.textContent = clip.name;
    this.engine.load({ video: bundle.video, table: bundle.table, duration: bundle.duration, buffers: bundle.buffers, proxy: bundle.proxy }, this.#firstView(clip).at, sounds[0]?.id ?? null);
    this.player.setSounds(sounds, bundle.failed);
    this.player.show(bundle);
    this.timeline.setClip(bundle, sounds);
    this.ear.show(bundle);
    this.draw();
    bundle.onsound = (id) => { if (bundle.buffers.has(id)) this.engine.arrived(id); if (bundle.failed.has(id)) this.player.setSounds(sounds, bundle.failed); this.timeline.redraw(); };
    if (this.draft.first && this.task.blind) this.#reveal();
    requestAnimationFrame(() => setTimeout(() => { if (this.bundle === bundle) this.#named(); }));
  }

  // Wide enough for all that is known; of a clip whose marks are hidden, all of it.
  #firstView(clip) {
    const task = [this.task, ...this.queue.ahead].find((one) => one?.clip === clip.id);
    const own = this.task?.clip === clip.id ? [this.draft.visual_s, this.draft.audio_s] : [];
    const times = [...own, ...(task?.marks ?? []).flatMap((mark) => [mark.visual_s, mark.audio_s])].filter((time) => time !== null);
    if (times.length === 0 || clip.duration_s <= LEAST_VIEW_S) return { start: 0, end: clip.duration_s, at: own[0] ?? 0 };
    const low = Math.min(...times), high = Math.max(...times), spare = Math.max(LEAST_VIEW_S - (high - low) - 2 * AROUND_S, 0) / 2;
    const start = Math.max(low - AROUND_S - spare, 0);
    return { start, end: high + AROUND_S + spare, at: own[0] ?? start };
  }

  // No clip: the reason, and what to do.
  showNone(kind, error = null) {
    this.asked += 1;
    Object.assign(this, { task: null, bundle: null, draft: BLANK, none: kind });
    this.engine.unload();
    this.work.hidden = true;
    this.instead.hidden = false;
    this.node.removeAttribute("aria-busy");
    this.title.textContent = this.adjudicates ? "Adjudicate" : "Annotate";
    for (const part of [this.name, this.chips]) replace(part);
    this.history.hidden = true;
    document.title = `${this.title.textContent} · thud`;
    const again = () => el("button", { class: "btn", type: "button", onclick: () => this.queue.fill(true) }, "Try again");
    replace(this.instead, kind === "error" ? state("The next clips could not be asked for", error.message, again()) : emptyState({ progress: this.progress, adjudicates: this.adjudicates, canAdjudicate: this.canAdjudicate, clips: this.clips(), onlook: () => this.sender.lookBack() }));
    this.saveShown();
  }

  // ---- drawing
  // After each painting. Lanes of another height, in a lower window, are laid out anew.
  #viewed(sc) {
    if (this.task && this.bundle && this.height !== this.timeline.height) { this.height = this.timeline.height; this.draw(); }
    this.lanes.place(sc);
  }

  get clipName() { return this.bundle?.data.clip.name ?? "The clip"; }
  get veiled() { return Boolean(this.task?.blind); }
  get frame() { return this.draft.visual_s === null || !this.bundle ? null : this.bundle.table.at(this.draft.visual_s); }

  draw() {
    const { task, draft, tolerance, veiled, frame } = this;
    this.rows = rowsOf(veiled ? [] : task.marks);
    this.history.hidden = false;
    this.table.show({ rows: this.rows, draft, veiled: veiled && task.hidden > 0, tolerance, frame });
    this.why.show({ reasons: task.reasons, checks: task.checks, veiled: veiled && task.reasons.length + task.checks.length === 0 });
    this.#bands();
    this.timeline.lag = draft.audio_s;
    this.lanes.show({ rows: this.rows, draft, hidden: veiled ? task.hidden : 0, tolerance, frame, hints: this.#laneHints() });
    this.actions.show({ missing: this.#missing(), note: draft.note, off: this.node.hasAttribute("aria-busy") });
    this.#drawChips();
    this.saveShown();
  }

  #bands() { for (const lane of ["picture", "sound"]) this.timeline.labels[lane].lastChild.textContent = `bands ±${number(this.tolerance[lane] / 2, 2)} s`; }

  #laneHints() {
    const cap = (id) => capOf(this.bindings, id);
    const silent = this.draft.silent ? ["no sound event; ", cap("annotate.silence"), " takes it back"] : ["press ", cap("annotate.sound"), " where you hear it"];
    return { picture: ["press ", cap("annotate.picture"), " where you see it"], sound: silent };
  }

  #missing() {
    const { draft } = this, cap = (id) => capOf(this.bindings, id);
    if (draft.visual_s === null) return ["Picture not set: ", cap("annotate.picture")];
    return complete(draft) ? null : ["Sound not set: ", cap("annotate.sound"), " or ", cap("annotate.silence")];
  }

  #drawChips() {
    const { task, bundle } = this, chip = (cls, text, glyph = null) => el("span", { class: `chip ${cls}` }, glyph && icon(glyph, "s"), text);
    const simulated = task.simulated || task.marks.some((mark) => mark.simulated);
    replace(this.chips, bundle?.data.clip.synthetic && chip("dash", "synthesised clip"), simulated && chip("dash wide", "model marks simulated"), veiledChip(this, chip), this.adjudicates && chip("acc", "adjudication"), task.mine && chip("", "marked by you before"));
  }

  saveShown() { this.saveState.show(this.outbox.state, this.task !== null && changed(this.draft)); }

  // ---- one's own marks
  change(draft) {
    this.draft = draft;
    this.drafts.set(this.task.clip, draft);
    this.draw();
    this.timeline.redraw();
    if (this.task.blind && complete(draft)) this.#reveal();
  }

  #times() { return [this.draft.visual_s, this.draft.audio_s].filter((time) => time !== null); }

  // Both times are set: now the others may be seen. The first mark is kept as it was made, blind.
  async #reveal() {
    const { task } = this;
    if (task.revealing) return;
    task.revealing = true;
    this.draft = withFirst(this.draft);
    this.drafts.set(task.clip, this.draft);
    let shown;
    try { shown = await post("/api/tasks/reveal", { clip: task.clip, ...this.draft.first }); } catch (error) {
      hint(`The models' marks could not be asked for. ${error.message} You can save all the same.`);
      task.revealing = false;
      return;
    }
    Object.assign(task, { marks: shown.marks, reasons: shown.reasons, checks: shown.checks, blind: false, hidden: 0 });
    if (this.task === task && this.bundle) this.draw();
  }

  #listened() {
    const { engine } = this;
    if (!this.task || !engine.playing || engine.sound === null || this.draft.heard.includes(engine.sound)) return;
    this.draft = withHeard(this.draft, engine.sound);
    if (touched(this.draft)) this.drafts.set(this.task.clip, this.draft);
  }

  setProgress(progress) {
    if (!progress) return;
    this.progress = progress;
    this.progressBar.show(progress, this.adjudicates);
    if (!this.task && this.none === "empty" && !this.instead.hidden) this.showNone("empty");
  }

  showHistory() { if (this.task) openHistory(this.node, { clip: this.task.clip, title: this.title.textContent }); }

  lookAt(entry) {
    const drop = () => this.outbox.drop(entry.id);
    openRefused(this.node, entry, { title: entry.name || entry.clip, does: { drop, again: (change) => this.outbox.retry(entry.id, change), open: () => { drop(); this.sender.open(entry.clip); } } });
  }
}

const veiledChip = (bench, chip) => bench.veiled && chip("acc", "blind first mark", "hide");
