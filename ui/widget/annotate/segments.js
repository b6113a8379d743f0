// The Annotate page's other queue: described segments. Seen and heard, then agreed with, corrected or rejected; what is said is saved before
// the next one comes. What models and others say of a segment shows only after one's own word.
import { get, post } from "../base/api.js";
import { clock, state } from "./view.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { pushScope } from "../base/keys.js";
import { nextRate } from "../sound/player.js";
import { SegmentForm } from "./segments_form.js";
import { SegmentPlayer } from "./segments_player.js";
import { Card, headOf, keysOf, sameWord } from "./segments_view.js";

const AHEAD = 3;

export class Segments {
  constructor(root, first) {
    Object.assign(this, { first, rows: [], at: -1, counts: null, saving: false, form: null });
    this.player = new SegmentPlayer();
    this.head = headOf();
    this.card = new Card({ agree: () => this.say("agree"), edit: () => this.edit(), reject: () => this.edit("reject"), skip: () => this.skip(), take: (word) => this.take(word), next: () => this.next() });
    this.trouble = el("div", { class: "note bad", role: "alert", hidden: true });
    this.bindings = this.#keys();
    this.work = el("div", { class: "sgs" }, this.player.node, el("div", { class: "sg-side" }, this.card.node, this.trouble));
    this.instead = el("div", { class: "instead", hidden: true });
    this.node = el("div", { class: "cpg sg" }, this.head.node, this.work, this.instead, keysOf(this.bindings));
    // A click must not take the keys away from the page: buttons act without keeping the focus.
    this.node.addEventListener("mousedown", (event) => { if (event.target.closest("button") && !event.target.closest("form")) event.preventDefault(); });
    replace(root, this.node);
    pushScope(this.bindings);
  }

  #keys() {
    const key = (id, name, label, run, more) => ({ id: `segment.${id}`, key: name, label, run: (event) => { if (!event?.repeat || more?.repeats) run(); } });
    const { player } = this, on = (run) => () => { if (player.engine.media) run(player.engine); };
    return [key("agree", "a", "Agree: it is right as it stands", () => this.say("agree")), key("edit", "e", "Correct times, words or sounds", () => this.edit()), key("reject", "x", "Reject it, with a reason", () => this.edit("reject")),
      key("skip", "s", "Skip for now", () => this.skip()), key("next", "j", "Next segment", () => this.step(1)), key("prev", "k", "Segment before", () => this.step(-1)), key("take", "t", "Take what the model proposes", () => this.take()), key("go", "Enter", "On to the next", () => this.next()),
      key("play", " ", "Play or pause", on((engine) => engine.toggle())), key("start", "Home", "Back to where the segment begins", on(() => player.toStart())), key("whole", "l", "Play the segment, or the whole clip", on(() => player.flipLoop())), key("rate", "r", "Speed 1×, 0.5×, 0.25×", on((engine) => engine.setRate(nextRate(engine.rate)))),
      key("frame-back", ",", "One frame back", on((engine) => engine.step(-1)), { repeats: true }), key("frame", ".", "One frame forward", on((engine) => engine.step(1)), { repeats: true })];
  }

  get row() { return this.rows[this.at] ?? null; }

  async begin() {
    this.node.setAttribute("aria-busy", "true");
    try {
      const found = await get(`/api/segments${this.first ? `?first=${encodeURIComponent(this.first)}` : ""}`);
      Object.assign(this, { rows: found.segments, at: 0, first: null });
      this.count(found.counts);
      this.show();
    } catch (error) {
      this.none("The segments could not be loaded", error.message, el("button", { class: "btn p", type: "button", onclick: () => this.begin() }, "Try again"));
    } finally { this.node.removeAttribute("aria-busy"); }
  }

  count(counts) { this.counts = counts; this.head.show(counts); }

  none(title, text, ...acts) {
    this.player.leave();
    this.work.hidden = true;
    this.instead.hidden = false;
    replace(this.instead, state(title, text, ...acts));
  }

  show() {
    this.#close();
    this.says("");
    if (!this.row) { this.#done(); return; }
    this.work.hidden = false;
    this.instead.hidden = true;
    const { row } = this;
    this.player.show(row, this.rows.slice(this.at + 1, this.at + 1 + AHEAD).map((one) => one.clip));
    this.card.show(row);
    document.title = `${row.title}, segment · thud`;
    history.replaceState(history.state, "", `/annotate?segments=1&segment=${encodeURIComponent(row.id)}`);
  }

  #done() {
    const { all = 0, mine = 0 } = this.counts ?? {}, clips = el("a", { class: "btn p", href: "/annotate" }, "Back to placing times");
    if (all === 0) this.none("No described segments yet", "They come in on the Pairs page or with “thud pairs material”: descriptions of stretches of your clips, with the sounds in them.", clips);
    else this.none("Nothing left for you here", `You have looked at ${mine} of ${all} segments. New ones show here by themselves.`, clips, el("button", { class: "btn", type: "button", onclick: () => this.begin() }, "Look again"));
  }

  // ---- going through them
  step(by) {
    if (this.saving || !this.row) return;
    const to = Math.min(Math.max(this.at + by, 0), this.rows.length - 1);
    if (to !== this.at) { this.at = to; this.show(); }
  }

  // The next one without one's own word, behind this one first.
  next() {
    if (this.saving) return;
    const open = (one) => !one.mine, later = this.rows.findIndex((one, at) => at > this.at && open(one)), any = later >= 0 ? later : this.rows.findIndex(open);
    if (any >= 0) { this.at = any; this.show(); } else this.begin();
  }

  skip() {
    if (this.saving || !this.row || this.row.mine) return;
    if (this.rows.every((one) => one === this.row || one.mine)) { this.says("This is the last one that is left for you here.", "warn"); return; }
    this.rows.push(...this.rows.splice(this.at, 1));
    this.show();
  }

  // ---- saying it
  edit(how = "correct") {
    if (this.saving || !this.row || this.form) return;
    this.says("");
    this.form = new SegmentForm(this.row, { how, player: this.player, onsave: (verdict, told) => this.say(verdict, told), onclose: () => this.#close() });
    this.card.edit(this.form.node);
    this.form.focus();
  }

  #close() {
    this.form = null;
    this.card.edit(null);
    this.player.interval(this.row);
  }

  take(word = this.row?.others.find((one) => !one.person && one.verdict !== "agree")) {
    if (!word || !this.row?.mine) return;
    const { start_s, end_s, description, sounds } = word;
    this.say(word.verdict, word.verdict === "reject" ? { note: word.note || "As the model says." } : { start_s, end_s, description, sounds });
  }

  // The word goes to the server first; only then comes the next segment. On a failure everything stays as it is.
  async say(verdict, told = {}) {
    const { row } = this;
    if (this.saving || !row) return;
    const again = row.mine !== null;
    this.saving = true;
    this.head.saving();
    this.says("");
    try {
      const { segment, counts } = await post("/api/segments/word", { segment: row.id, verdict, ...told });
      this.rows[this.rows.indexOf(row)] = segment;
      this.saving = false;
      this.count(counts);
      this.head.saved(clock(Date.now()));
      const differs = segment.others.some((one) => !sameWord(one, segment.mine));
      if (again || !differs) this.next();
      else { this.#close(); this.card.show(segment); }
    } catch (error) {
      this.saving = false;
      this.head.failed();
      this.says(`Not saved. ${error.message}`);
    }
  }

  says(words, level = "bad") {
    this.trouble.hidden = !words;
    this.trouble.className = `note ${level}`;
    replace(this.trouble, words && [icon("alert"), el("span", {}, words)]);
  }
}
