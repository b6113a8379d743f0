// One item after the other: it plays by itself, is answered with a digit, and the next one is there at once. What shows is the picture
// and nothing that tells one item from another: no name, no wave, no times.
import { post } from "../base/api.js";
import { capOf, state } from "../annotate/view.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { Prefetch } from "../sound/prefetch.js";

const AHEAD = 3;            // with the current one and the one before: what the prefetch holds
const AGAIN_MS = [1000, 2000, 5000, 10000];
const REST_AFTER = 40;      // answers in a row
const END_S = 0.05;

export class Turns {
  #asking = null;
  #timer = 0;
  #failures = 0;

  // asked: {task, text, buttons, answered, items}; onstop(): back to where one came from.
  constructor(root, { asked, engine, outbox, save, onstop }) {
    Object.assign(this, { root, asked, engine, outbox, save, onstop, rows: new Map(), line: [], current: null, before: null, given: new Map(), base: asked.answered, ended: false, trouble: null, shown: 0 });
    this.prefetch = new Prefetch(engine.context, () => 0, async (id) => this.rows.get(id));
    this.bindings = this.#keys();
    this.#build();
    this.forget = engine.subscribe((kind) => { if (kind === "state") this.#listened(); });
  }

  #keys() {
    const key = (id, name, label, run) => ({ id: `listen.${id}`, key: name, label, run: (event) => { if (!event?.repeat) run(); } });
    return [
      ...this.asked.buttons.map((button) => key(`answer-${button.label}`, button.key, button.words, () => this.answer(button))),
      key("again", " ", "Play it again", () => this.play()), key("back", "Backspace", "Change your last answer", () => this.back()), key("stop", "Escape", "Stop for now", () => this.onstop()),
    ];
  }

  #build() {
    const { asked, bindings } = this, cap = (id) => capOf(bindings, `listen.${id}`);
    this.host = el("div", { class: "screen" });
    this.tag = el("span", { class: "tag low", hidden: true });
    this.scene = el("div", { class: "scene" }, this.host, this.tag);
    this.answers = asked.buttons.map((button) => el("button", { class: "lt-answer", type: "button", "data-label": button.label, onclick: () => this.answer(button) }, cap(`answer-${button.label}`), el("span", {}, button.words)));
    this.hint = el("p", { class: "lt-hint", role: "status", "aria-live": "polite" });
    this.count = el("span", { class: "sm nw" });
    this.bar = el("i");
    this.meter = el("span", { class: "pg", role: "progressbar", "aria-label": "Items answered", "aria-valuemin": "0" }, this.bar);
    const small = (id, words, run) => el("button", { class: "btn q s", type: "button", onclick: run }, words, " ", cap(id));
    this.node = el("div", { class: "lt on" },
      el("div", { class: "head lt-head" }, el("h1", {}, asked.text), el("span", { class: "sp" }), this.save.node, el("span", { class: "pgs" }, this.count, this.meter)),
      el("div", { class: "lt-scene" }, this.scene), this.hint, el("div", { class: "lt-answers", role: "group", "aria-label": "Your answer" }, this.answers),
      el("div", { class: "row lt-foot" }, small("again", "Play again", () => this.play()), small("back", "Change the last answer", () => this.back()), el("span", { class: "sp" }), small("stop", "Stop for now", () => this.onstop())));
    // A click must not take the keys away from the page: buttons act without keeping the focus.
    this.node.addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
    replace(this.root, this.node);
    this.#draw();
  }

  begin() { return this.#fill().then(() => { if (!this.current) this.#next(); }); }

  // ---- which item
  get held() { return [...this.outbox.clips(), this.before?.id, this.current?.id, ...this.line.map((row) => row.id)].filter(Boolean); }

  // What cannot be played is left out until the page is opened anew.
  get left() { return [...this.given].filter(([, given]) => given === null).map(([id]) => id); }

  #fill() {
    clearTimeout(this.#timer);
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #ask() {
    const count = AHEAD - this.line.length;
    if (count <= 0) return;
    try {
      const { items } = await post("/api/test/next", { task: this.asked.task, have: [...new Set([...this.held, ...this.left])], count });
      if (this.gone) return;
      this.#failures = 0;
      this.trouble = null;
      const known = new Set([...this.held, ...this.given.keys()]);
      for (const row of items.filter((one) => !known.has(one.id))) { this.rows.set(row.id, row); this.line.push(row); }
      this.ended = items.length === 0 && this.line.length === 0;
      this.#near();
      if (!this.current) this.#next();
    } catch (error) {
      this.trouble = error;
      this.#timer = setTimeout(() => { if (!this.gone) this.#fill(); }, AGAIN_MS[Math.min(this.#failures++, AGAIN_MS.length - 1)]);
      if (!this.current) this.#none();
    }
  }

  #next() {
    const row = this.line.shift();
    if (row) this.show(row);
    else this.#none();
  }

  // In place of the picture, when no item is here.
  #none() {
    this.current = null;
    this.engine.unload();
    this.#draw();
    const button = (words, run) => el("button", { class: "btn", type: "button", onclick: run }, words);
    if (this.ended) replace(this.host, state("That was the last one", "Thank you. You have answered everything there is for this task.", button("Back to the tasks", () => this.onstop())));
    else if (this.trouble) replace(this.host, state("The next one is not here yet", `${this.trouble.message} Your answers are kept on this machine; the page goes on by itself.`, button("Try again", () => this.#fill())));
    else replace(this.host, el("div", { class: "sk" }));
  }

  // earlier: the answer given already, when one comes back to it.
  show(row, earlier = null) {
    const ticket = ++this.shown;
    Object.assign(this, { current: row, earlier, plays: 0, whole: earlier !== null, failed: null, started: 0 });
    const bundle = this.prefetch.show(row.id);
    const ready = () => { if (ticket === this.shown && !this.gone) this.#render(bundle); };
    if (bundle.whole) ready();
    else {
      this.engine.unload();
      replace(this.host, el("div", { class: "sk" }));
      this.#draw();
      bundle.all.then(ready, (error) => { if (ticket === this.shown && !this.gone) this.#broken(error); });
    }
    setTimeout(() => { if (ticket === this.shown && !this.gone) { this.#near(); this.#fill(); } }); // after it is painted
  }

  #near() { if (this.current) this.prefetch.want(this.current.id, [this.before?.id, ...this.line.map((row) => row.id)].filter(Boolean)); }

  #render(bundle) {
    if (!bundle.buffers.has("sound")) { this.#broken(new Error(bundle.failed.get("sound") ?? "Its sound did not come.")); return; }
    this.engine.unload(); // else it would go on playing into this one
    replace(this.host, bundle.video);
    this.engine.load({ video: bundle.video, table: bundle.table, duration: bundle.duration, buffers: bundle.buffers, proxy: bundle.proxy }, 0, "sound");
    if (this.earlier) this.#say(`Your answer was “${this.earlier.words}”. It stands unless you give another.`);
    else this.#rest();
    this.play();
    this.#draw();
  }

  #broken(error) {
    this.failed = error;
    this.engine.unload();
    const drop = () => { this.prefetch.drop(this.current.id); };
    replace(this.host, state("This one cannot be played", error.message,
      el("button", { class: "btn", type: "button", onclick: () => { drop(); this.show(this.current, this.earlier); } }, "Try again"),
      el("button", { class: "btn q", type: "button", onclick: () => { const row = this.current; drop(); this.current = null; this.given.set(row.id, null); this.#next(); } }, "Leave it out for now")));
    this.#draw();
  }

  // ---- hearing it
  // From the beginning, however far it is. What one hears is counted only once sound is let through.
  play() {
    if (!this.current || this.failed || !this.engine.media) return;
    if (this.engine.playing || this.engine.position > 0) {
      this.engine.pause();
      this.engine.seek(0, true);
    }
    this.plays += 1;
    this.started ||= performance.now();
    this.#go(`${this.shown}.${this.plays}`);
  }

  // Once the picture is where it begins: asked to play while it is still being put at its end, a video ends at once.
  #go(turn) {
    const { video } = this.engine;
    if (this.gone || !video || turn !== `${this.shown}.${this.plays}`) return;
    if (video.seeking) video.addEventListener("seeked", () => setTimeout(() => this.#go(turn)), { once: true });
    else this.engine.play();
  }

  #listened() {
    const { engine } = this;
    if (!engine.media || !this.current) return;
    const end = !engine.playing && engine.position >= engine.duration - END_S;
    if (end && !this.whole && engine.context.state === "running") { this.whole = true; this.#say(""); }
    this.#draw();
  }

  // ---- answering
  answer(button) {
    const { current: row, engine, outbox } = this;
    if (!row || this.failed || !engine.media) return;
    if (!this.whole) { this.#say("Hear it to its end once, then answer."); return; }
    const latency_s = Math.round(performance.now() - this.started) / 1000;
    const entry = outbox.put("/api/test/answers", row.id, { id: row.id, label: button.label, plays: Math.max(this.plays, 1), latency_s });
    this.given.set(row.id, { button, save: entry.id });
    this.before = row;
    this.current = null;
    this.#say("");
    this.#next();
  }

  // Back to the answer before, until the next one is given. What was not sent yet is taken back; else it stands until it is changed.
  back() {
    const row = this.before, given = row && this.given.get(row.id);
    if (!given) { this.#say(this.given.size > 0 ? "Only your last answer can be changed." : "There is no answer to change yet."); return; }
    if (this.outbox.withdraw(given.save)) this.given.delete(row.id);
    if (this.current) this.line.unshift(this.current);
    this.before = null;
    this.ended = false;
    this.show(row, given.button);
  }

  #rest() {
    const many = [...this.given.values()].filter(Boolean).length;
    this.#say(many > 0 && many % REST_AFTER === 0 ? `That was ${many} in a row. Rest your ears for a minute; nothing is lost while you are away.` : "");
  }

  #say(words) { if (this.hint.textContent !== words) this.hint.textContent = words; }

  #draw() {
    const { engine } = this, ready = this.current !== null && !this.failed && engine.media !== null && this.whole;
    for (const button of this.answers) {
      button.setAttribute("aria-disabled", String(!ready));
      button.classList.toggle("was", this.earlier?.label === button.dataset.label && this.current !== null);
    }
    const stopped = this.current && engine.media && !engine.playing && !this.failed && !this.whole; // the window was hidden meanwhile
    this.tag.hidden = !(stopped || engine.blocked);
    if (!this.tag.hidden) replace(this.tag, icon(engine.blocked ? "info" : "play"), engine.blocked ? "Sound starts at your next click or key" : "Stopped. Play it again from the beginning");
    const done = this.base + [...this.given.values()].filter(Boolean).length, all = Math.max(this.asked.items, done);
    replace(this.count, el("b", {}, String(done)), ` of ${all}`);
    this.bar.style.width = `${(100 * done) / Math.max(all, 1)}%`;
    this.meter.setAttribute("aria-valuenow", String(done));
    this.meter.setAttribute("aria-valuemax", String(all));
    this.save.show(this.outbox.state, false);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.#timer);
    this.forget();
    this.engine.unload();
    this.prefetch.destroy();
  }
}
