// One pair: what is seen and heard, what was asked, both answers with their differences, what was checked. Going through pairs, and deciding about them.
// Texts of models and files are shown as text and nothing else.
import { get } from "../base/api.js";
import { el, replace, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { keyOf } from "../base/keys.js";
import { checkName } from "./lint.js";
import { FILTERS, count, labelWord, noFilter, note, panel, plural, rowsQuery, status, typeName } from "./parts.js";
import { condition } from "../results/parts.js";
import { makeMenu, option, options } from "../results/menu.js";
import { Stage, askRecordsBy, stageKeys } from "../results/stage.js";

const WINDOW = 60, LOOKS = ["differences", "plain", "JSON"];
const SHOWN = [["", "all in the set"], ["none", "not looked at"], ["approved", "approved"], ["dropped", "dropped"]];

// The player plays the very file that a model gets: 16 kHz, one channel.
askRecordsBy(async (id, init) => {
  const data = await get(`/api/clips/${encodeURIComponent(id)}`, init);
  return { ...data, sounds: data.sounds.filter((row) => row.models || row.condition === "muted").map((row) => ({ ...row, people: row.models })) };
});

// parts: {root, set(), state(), go(changes), remember(changes): into the address, not drawn anew, words(), tell(words, level)}.
export class PairPanel {
  constructor(parts) {
    Object.assign(this, { parts, rows: new Map(), total: 0, at: 0, data: null, stage: null, look: LOOKS[0], asked: 0, near: new Map() });
    this.title = el("span", { class: "row about1" });
    this.filters = el("span", { class: "row w filters1" });
    this.place = el("span", { class: "sm nw place1", role: "status" });
    const step = (label, by, cls) => el("button", { class: `btn q s i ${cls}`, type: "button", "aria-label": label, title: label, onclick: () => this.move(by) }, icon("right"));
    this.before = step("Previous pair (k)", -1, "flipped");
    this.after = step("Next pair (j)", 1, "");
    this.looks = el("span", { class: "seg s", role: "radiogroup", "aria-label": "How the answers are shown" }, LOOKS.map((look) => el("button", { type: "button", role: "radio", "data-look": look, onclick: () => this.setLook(look) }, look)));
    this.approve = el("button", { class: "btn s makes", type: "button", "aria-pressed": "false", onclick: () => this.decide("approved") }, "Approve ", el("kbd", { "aria-hidden": "true" }, "a"));
    this.drop = el("button", { class: "btn s x makes", type: "button", "aria-pressed": "false", onclick: () => this.decide("dropped") }, "Drop ", el("kbd", { "aria-hidden": "true" }, "x"));
    this.show = makeMenu({ name: "Which pairs", cls: "in s pick", right: true, fill: (close) => this.choices(close) });
    const made = panel("Pair", this.title, this.filters, el("span", { class: "sp" }), this.show.node, this.before, this.place, this.after, this.looks, this.approve, this.drop);
    Object.assign(this, { node: made.node, body: made.body });
    this.node.classList.add("pv1");
    this.saying = el("div", { class: "pv-note", role: "status" });
    this.inside = el("div", { class: "pvg" });
    replace(this.body, this.saying, this.inside);
    this.node.addEventListener("mousedown", (event) => { if (event.target.closest(".ph button")) event.preventDefault(); }); // the keys stay with the page
    this.drawLook();
  }

  // ---- which pairs
  get query() { return JSON.stringify([this.parts.set()?.id ?? "", rowsQuery(this.parts.state(), {})]); }

  // Called whenever the set or the filter may be another.
  async follow() {
    const set = this.parts.set(), mine = (this.asked += 1);
    this.drawFilters();
    if (!set) { this.clear(); return; }
    if (this.query === this.held && this.data) { this.drawPlace(); return; }
    const { pair } = this.parts.state();
    this.rows.clear();
    let found;
    try { found = await this.ask(pair === "" ? { at: 0 } : { pair }); } catch (error) { if (mine === this.asked) this.trouble(error); return; }
    if (mine !== this.asked) return;
    this.held = this.query;
    this.total = found.total;
    this.at = found.at;
    await this.open();
  }

  async ask(where) {
    const found = await get(`/api/pairs/sets/${encodeURIComponent(this.parts.set().id)}/rows?${rowsQuery(this.parts.state(), { ...where, n: WINDOW })}`);
    found.rows.forEach((row, index) => this.rows.set(found.at + index, row));
    return found;
  }

  async rowAt(at) {
    if (!this.rows.has(at)) await this.ask({ at: Math.max(0, at - WINDOW / 2) });
    return this.rows.get(at) ?? null;
  }

  fetch(n) {
    const key = `${this.parts.set().id} ${n}`;
    if (!this.near.has(key)) {
      const asking = get(`/api/pairs/sets/${encodeURIComponent(this.parts.set().id)}/pair/${n}`);
      asking.catch(() => this.near.delete(key));
      this.near.set(key, asking);
      if (this.near.size > 12) this.near.delete(this.near.keys().next().value);
    }
    return this.near.get(key);
  }

  move(by) {
    const next = this.at + by;
    if (next < 0 || next >= this.total) return;
    this.at = next;
    this.drawPlace();
    this.node.scrollIntoView({ block: "nearest" });
    clearTimeout(this.timer);
    this.open();
  }

  async open() {
    const mine = (this.opened = (this.opened ?? 0) + 1), { at } = this;
    if (this.total === 0) { this.none(); return; }
    try {
      const row = await this.rowAt(at);
      if (mine !== this.opened || !row) return;
      const data = await this.fetch(row.n);
      if (mine !== this.opened) return;
      this.draw({ ...data, row });
      this.parts.remember({ pair: String(row.n) });
      for (const next of [at + 1, at + 2]) if (next < this.total) this.rowAt(next).then((one) => one && mine === this.opened && this.fetch(one.n)).catch(() => {});
    } catch (error) { if (mine === this.opened) this.trouble(error); }
  }

  // To a row by its number, as far as the filter lets it through.
  async find(n) {
    try {
      const found = await this.ask({ pair: n });
      this.at = found.at;
      await this.open();
    } catch (error) { this.trouble(error); }
  }

  // ---- decisions
  decide(word) {
    const { data } = this, words = this.parts.words();
    if (!data || this.parts.root.classList.contains("no-making")) return;
    const same = words.of(data.row) === word;
    words.say(data.row, same ? "" : word);
    this.drawWord();
    if (!same) this.move(1);
  }

  undo() {
    const n = this.parts.words().undo();
    if (n === null) { this.parts.tell("There is no decision of yours to take back.", "info"); return; }
    if (this.data?.n === n) this.drawWord(); else this.find(n);
  }

  // ---- filters in words
  drawFilters() {
    const { go, state } = this.parts, now = state();
    const words = { type: typeName, split: (one) => one, condition: (one) => one, check: (one) => `only: ${checkName(one)}`, held: (one) => (one === "yes" ? "held back" : "with those held back"), word: (one) => SHOWN.find(([id]) => id === one)?.[1] ?? one };
    replace(this.filters, Object.entries(words).filter(([key]) => now[key]).map(([key, say]) => el("button", { class: "chip acc off1", type: "button", "aria-label": `${say(now[key])}: take this filter away`, onclick: () => go({ [key]: "", pair: "" }) }, say(now[key]), icon("x", "s"))));
    this.show.face([el("span", { class: "nw" }, "show"), icon("chev", "s")]);
    this.show.node.hidden = !this.parts.set();
  }

  choices(close) {
    const { go, state } = this.parts, now = state(), set = this.parts.set(), said = set.words ?? {};
    const one = (key, value, words, aside = null) => option(words, { on: now[key] === value, aside: FILTERS.some((other) => other !== key && now[other]) ? null : aside, run: () => { close(); go({ [key]: value, pair: "" }); } });
    const of = (word) => (word === "none" || word === "" ? null : count(said[word] ?? 0));
    const conditions = Object.entries(set.balance?.conditions ?? {}).filter(([name]) => name), splits = Object.entries(set.splits ?? {}).filter(([, { pairs }]) => pairs > 0);
    return [el("p", { class: "xs t3 opt-head" }, "Decisions"), options("Decisions", false, SHOWN.map(([value, words]) => one("word", value, words, of(value)))),
      el("p", { class: "xs t3 opt-head" }, "Held back"), options("Held back", false, [one("held", "", "in the set"), one("held", "yes", "held back", count(set.held)), one("held", "all", "both")]),
      splits.length > 1 && [el("p", { class: "xs t3 opt-head" }, "Split"), options("Split", false, [one("split", "", "all"), ...splits.map(([name, { pairs }]) => one("split", name, name, count(pairs)))])],
      conditions.length > 1 && [el("p", { class: "xs t3 opt-head" }, "Condition"), options("Condition", false, [one("condition", "", "all"), ...conditions.map(([name, n]) => one("condition", name, name, count(n)))])]].flat().filter(Boolean);
  }

  // ---- drawing
  clear() {
    this.leave();
    this.data = null;
    this.held = null;
    this.total = 0;
    this.drawPlace();
    replace(this.title);
    replace(this.inside, el("div", { class: "empty" }, el("p", { class: "sm" }, "Once a set is built, its pairs are looked through here: what is seen and heard, both answers, what differs.")));
  }

  none() {
    this.clear();
    this.held = this.query;
    const now = this.parts.state(), filtered = FILTERS.some((key) => now[key]);
    if (filtered) replace(this.inside, el("div", { class: "empty" }, el("p", { class: "sm" }, "No pair fits this filter."), el("button", { class: "btn s", type: "button", onclick: () => this.parts.go(noFilter()) }, "Show all pairs")));
    else replace(this.inside, el("div", { class: "empty" }, el("p", { class: "sm" }, "This set has no pairs to look at.")));
  }

  trouble(error) {
    this.leave();
    this.data = null;
    replace(this.inside, el("div", { class: "empty", role: "alert" }, el("p", { class: "sm" }, error.message), el("button", { class: "btn s", type: "button", onclick: () => { this.held = null; this.near.clear(); this.follow(); } }, "Try again")));
  }

  leave() {
    this.stage?.destroy();
    this.stage = null;
  }

  draw(data) {
    const parked = this.stage?.engine.playing ? { position: data.about?.from_s ?? 0, sound: null, playing: true } : null; // whoever listens through a list goes on listening
    const stays = this.data?.n === data.n && this.data.id === data.id;
    this.data = data;
    if (!stays) {
      this.leave();
      this.stage = data.about ? new Stage(data.about, parked) : null;
    }
    this.chip = el("span", { class: "chip w1", hidden: true });
    replace(this.title, el("span", { class: "mono t3 sm clip pid", title: data.id }, data.id), el("span", { class: "chip" }, typeName(data.type)), data.split && el("span", { class: "chip" }, data.split), this.chip);
    this.text = el("div", { class: "pvt" });
    replace(this.inside, el("div", { class: "pvm" }, this.stage?.node ?? mediaOnly(data), shownAs(data, (this.parts.set()?.stale ?? []).includes(data.clip_id))), this.text, checksOf(data));
    this.drawLook();
    this.drawPlace();
    this.drawWord();
    performance.mark("thud-pair");
  }

  setLook(look) { this.look = look; this.drawLook(); }
  nextLook() { this.setLook(LOOKS[(LOOKS.indexOf(this.look) + 1) % LOOKS.length]); }

  drawLook() {
    for (const node of this.looks.children) node.setAttribute("aria-checked", String(node.dataset.look === this.look));
    const { data } = this;
    if (!data || !this.text) return;
    if (this.look === "JSON") { replace(this.text, el("pre", { class: "json", tabindex: "0", "aria-label": "The pair as JSON" }, JSON.stringify(data.json, null, 2))); return; }
    const marked = this.look === "differences", { tokens } = data;
    replace(this.text, el("div", { class: "col g4x" }, el("h3", {}, "Prompt"), el("p", { class: "words" }, data.prompt)),
      side("Chosen", data.chosen, "ins", marked, "check", "acc", tokens?.chosen), data.rejected.runs.length > 0 && side("Rejected", data.rejected, "del", marked, "x", "bad", tokens?.rejected), data.point && el("p", { class: "sm t3" }, data.point));
  }

  drawPlace() {
    this.place.textContent = this.total ? `${count(this.at + 1)} of ${count(this.total)}` : "none";
    this.before.disabled = this.at <= 0;
    this.after.disabled = this.at >= this.total - 1;
    for (const node of [this.approve, this.drop]) node.disabled = this.total === 0;
  }

  // What was decided about this pair, and whether the server has it yet.
  drawWord() {
    const { data } = this, words = this.parts.words();
    this.drawSaving(words);
    if (!data || !this.chip) return;
    const word = words.of(data.row), waits = words.waitingFor(data.row.id);
    this.chip.hidden = !word && !waits;
    this.chip.className = `chip w1 ${word === "approved" ? "acc" : word === "dropped" ? "bad" : ""}`;
    replace(this.chip, word && icon(word === "approved" ? "check" : "x", "s"), word || "no word", waits && words.problem ? ", not saved yet" : waits ? ", saving…" : "");
    for (const [node, value] of [[this.approve, "approved"], [this.drop, "dropped"]]) node.setAttribute("aria-pressed", String(word === value));
  }

  drawSaving(words) {
    const { problem, waiting } = words;
    replace(this.saying, problem && waiting > 0 && note("bad", `${plural(waiting, "decision")} ${waiting === 1 ? "is" : "are"} not saved yet: ${problem.sentence || "the server does not answer."} ${waiting === 1 ? "It is" : "They are"} kept in this browser and sent as soon as it can be. `, el("button", { class: "linky", type: "button", onclick: () => words.outbox.kick() }, "Try now")));
  }

  keys() {
    const cap = (id, key, label, run, more = {}) => ({ id: `pair.${id}`, key, label, run, ...more });
    return [cap("next", "j", "Next pair", () => this.move(1)), cap("before", "k", "Previous pair", () => this.move(-1)), cap("next-arrow", "ArrowRight", "Next pair", () => this.move(1), { hidden: true }), cap("before-arrow", "ArrowLeft", "Previous pair", () => this.move(-1), { hidden: true }),
      cap("approve", "a", "Approve the pair", () => this.decide("approved")), cap("drop", "x", "Drop the pair", () => this.decide("dropped")), cap("undo", "u", "Take the last decision back", () => this.undo()), cap("look", "d", "Differences, plain, JSON", () => this.nextLook()),
      ...stageKeys(() => this.stage).filter(({ id }) => id !== "item.back" && id !== "item.on").map((one) => (one.id === "item.flip" ? { ...one, label: "Flip between what is shown and the original or twin" } : one))];
  }

  hints() {
    const caps = Object.fromEntries(this.keys().map((one) => [one.id, keyOf(one)])), shown = (key) => (key === " " ? "space" : key);
    const group = (words, ...ids) => el("span", { class: "k" }, ids.map((id) => el("kbd", {}, shown(caps[id]))), words);
    return el("div", { class: "keys1 sm t3", "aria-hidden": "true" }, group("play", "item.play"), group("flip", "item.flip"), group("previous, next", "pair.before", "pair.next"), group("approve", "pair.approve"), group("drop", "pair.drop"), group("undo", "pair.undo"), group("look", "pair.look"), el("span", { class: "k" }, el("kbd", {}, "e"), "export"), el("span", { class: "k" }, el("kbd", {}, "?"), "all keys"));
  }
}

function side(words, { label, runs, words: n }, tag, marked, glyph, cls, tokens) {
  return el("div", { class: "pside" }, el("div", { class: "row" }, el("b", {}, words), label && el("span", { class: `chip ${cls}` }, icon(glyph, "s"), labelWord(label)), el("span", { class: "sp" }), el("span", { class: "t3 sm nw" }, plural(n, "word"), tokens !== undefined && `, about ${plural(tokens, "token")}`)),
    el("p", { class: "resp words" }, runs.flatMap(([text, kind]) => (marked && kind === "only" ? marks(tag, text) : [text]))));
}

// The spaces around what differs stay outside of its mark.
function marks(tag, text) {
  const [, before, inside, after] = /^(\s*)([\s\S]*?)(\s*)$/.exec(text);
  return [before, inside && el(tag, {}, inside), after].filter(Boolean);
}

const editWords = ({ condition: name, offset_s }) => (offset_s ? `${name} ${signed(offset_s)} s` : name);

function shownAs({ condition: name, offset_s, tokens, about }, stale) {
  return el("div", { class: "col g4x sm" }, el("div", { class: "row w" }, name && el("span", { class: "chip" }, condition(name, editWords({ condition: name, offset_s }))), about && el("a", { class: "t2 clip", href: `/clips?${new URLSearchParams({ clip: about.clip.id, sound: about.stimulus.id, t: about.from_s.toFixed(3) })}` }, about.clip.title)),
    tokens && el("p", { class: "xs t3", title: `By ${tokens.model}’s own formulas at 2 pictures a second; words are estimated` }, `${count(tokens.video)} tokens of picture, ${count(tokens.audio)} of sound, about ${count(tokens.prompt)} of prompt`),
    stale && note("warn", "The event times of this clip have changed since. Build again."));
}

function mediaOnly({ media }) {
  return el("div", { class: "col media1" }, note(media.problem ? "warn" : "", media.problem || "The clip is not in this workspace, so there is its text only."), ...[["picture", media.video], ["sound", media.sound]].filter(([, path]) => path).map(([words, path]) => el("p", { class: "xs t3" }, `${words}: `, el("span", { class: "mono" }, path))));
}

function checksOf({ checks, facts, media, about }) {
  return el("div", { class: "pvc" }, el("h3", {}, "Checks of this pair"), checks.length ? checks.map((one) => el("div", {}, status(one.level, one.words))) : el("p", { class: "t3 sm" }, "none apply"), about && media.problem && el("div", {}, status("bad", media.problem)),
    el("hr", { class: "rule" }), el("dl", { class: "facts2" }, facts.flatMap(([name, words]) => [el("dt", { class: "t3" }, name), el("dd", {}, words)])));
}
