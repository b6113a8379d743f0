// One item in full: what was shown, the question, the response with the words that decided it, every reading of it, what others said, and yours.
// Text of listeners and judges is shown as text and nothing else.
import { get, post } from "../base/api.js";
import { el, replace, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { ARMS, answered, condition, labelWord } from "./parts.js";
import { Stage, stageKeys } from "./stage.js";
import { filterQuery, readState } from "./state.js";
import { fail, toast } from "../base/toast.js";

const METHODS = { rules: "Rules", json: "Rules, JSON", letter: "Rules, letter", judge: "Judge", person: "Person", paper: "The paper’s parser" };
const OUTCOMES = { refused: "It refused.", truncated: "Its answer was cut off.", rejected: "The server rejected what was sent.", error: "No response came back.", in_doubt: "It is not known whether a response came back.", no_audio: "The server did not hear the sound.", empty: "It answered nothing." };
const LONG = 260, DIGITS = 9, SOON_MS = 1000;
const PERSON = { unparsed: "unclear" }; // what a person calls an answer that cannot be read
let kept = null; // the item shown last: {response, data, stage, at}, so that a page drawn anew shows it as it was

// options: {root, me, response, other, address(changes), signal, changed()}. Returns {destroy(), keys}.
export function showItem(host, options) {
  const view = new ItemView(host, options);
  return { destroy: () => view.destroy(), keys: view.keys };
}

class ItemView {
  constructor(host, options) {
    Object.assign(this, options, { host, data: null, stage: null, alive: true, busy: false });
    const last = kept && performance.now() - kept.at < SOON_MS ? kept : null;
    this.parked = last?.response === this.response ? last : null;
    this.goOn = Boolean(last?.stage?.playing); // whoever listens through a list goes on listening
    this.keys = this.bindings();
    if (this.parked) this.draw(this.parked.data); else this.wait();
    this.load();
  }

  wait() { replace(this.host, el("div", { class: "item", "aria-busy": "true" }, el("div", { class: "cpg seen" }, el("div", { class: "scene wait" }), el("div", { class: "evs" })), Array.from({ length: 6 }, () => el("i", { class: "sk" })))); }

  async fetch() {
    const filters = filterQuery(readState(location.search));
    return get(`/api/results/item/${encodeURIComponent(this.response)}${filters && `?${filters}`}`, { signal: this.signal });
  }

  async load() {
    let data;
    try { data = await this.fetch(); } catch (error) {
      if (this.alive && !this.data) replace(this.host, el("div", { class: "empty", role: "alert" }, el("p", { class: "sm" }, error.message), el("button", { class: "btn", type: "button", onclick: () => { this.wait(); this.load(); } }, "Try again")));
      return;
    }
    if (this.alive) this.draw(data);
  }

  draw(data) {
    const again = this.data !== null;
    this.data = data;
    if (again) { this.drawWords(); return; }
    const here = data.clip.duration_s !== null && data.clip.duration_s !== undefined;
    this.stage = here ? new Stage(data, this.parked?.stage ?? (this.goOn ? { position: data.from_s, sound: null, playing: true } : null)) : null;
    this.words = el("div", { class: "item-words" });
    replace(this.host, el("div", { class: "item" }, this.stage?.node ?? el("p", { class: "note" }, icon("info"), el("span", {}, "The clip of this item is not in this workspace, so there is its text only.")), this.words));
    this.drawWords();
  }

  drawWords() {
    const { data, words } = this, other = this.other && data.others.find(({ response }) => response === this.other);
    const held = words.contains(document.activeElement) ? document.activeElement.dataset.do : null;
    replace(words, shown(data), asked(data), responseOf(data), other && otherBlock(other), data.labels.length > 0 && this.reading(), others(data.others.filter((each) => each !== other), this.address));
    if (held) words.querySelector(`[data-do="${held}"]`)?.focus();
  }

  // ---- your reading
  get mine() { return this.data?.readings.filter(({ reader }) => reader === `person:${this.me.name}`).at(-1) ?? null; }

  reading() {
    const { data, mine } = this;
    const button = (label, at) => el("button", { type: "button", class: "btn s makes", "data-do": `read-${label}`, "aria-pressed": String(mine?.label === label), onclick: () => this.read(label) }, at < DIGITS && el("kbd", { "aria-hidden": "true" }, String(at + 1)), PERSON[label] ?? labelWord(label), mine?.label === label && icon("check", "s"));
    return el("section", { "aria-label": "Your reading" }, el("h3", { class: "row" }, `Your reading of ${data.listener}`, el("span", { class: "sp" }), mine && el("button", { type: "button", class: "btn q s makes", "data-do": "read-undo", onclick: () => this.undo() }, "Undo ", el("kbd", {}, "u"))),
      el("div", { class: "row w reads" }, data.labels.map(button)), el("p", { class: "xs t3" }, "A reading by a person outranks the judge and is kept beside it. ", data.judge.kappa_words));
  }

  read(label) {
    if (!this.data?.labels.includes(label)) return;
    const words = PERSON[label] ?? labelWord(label);
    this.write("/api/results/readings", { response: this.response, label }, `Read as ${words}.`, { label: "Undo", run: () => this.undo() });
  }
  undo() { if (this.mine) this.write("/api/results/readings/undo", { response: this.response }, "Your reading is taken back."); }

  async write(url, body, words, action = null) {
    if (this.busy) return;
    this.busy = true;
    try {
      await post(url, body);
      const data = await this.fetch();
      if (this.alive) { this.data = data; this.drawWords(); }
      toast(words, { action });
      this.changed();
    } catch (error) { fail(error); } finally { this.busy = false; }
  }

  // ---- keys
  bindings() {
    const digits = Array.from({ length: DIGITS }, (_, at) => ({ id: `item.read-${at + 1}`, key: String(at + 1), label: at ? `Read it as answer ${at + 1}` : "Read it as answer 1; 2 to 9 for the others", hidden: at > 0, run: () => this.read(this.data?.labels[at]) }));
    return [...stageKeys(() => this.stage), ...digits, { id: "item.undo", key: "u", label: "Take your reading back", run: () => this.undo() }];
  }

  destroy() {
    this.alive = false;
    if (this.data) kept = { response: this.response, data: this.data, stage: this.stage?.state() ?? null, at: performance.now() };
    this.stage?.destroy();
  }
}

// ---------- what was asked and answered ----------

const editWords = ({ condition: name, offset_s, donor }) => (name === "swapped" && donor ? `swapped, ${donor}` : offset_s ? `${name} ${signed(offset_s)} s` : name);

function shown({ clip, stimulus, arm, task, from_s }) {
  const here = clip.duration_s !== null && clip.duration_s !== undefined, address = `/clips?${new URLSearchParams({ clip: clip.id, sound: stimulus.id, t: from_s.toFixed(3) })}`;
  return el("div", { class: "row w" }, el("span", { class: "chip" }, condition(stimulus.condition, editWords(stimulus))), el("span", { class: "chip" }, task), arm !== "audio_video" && el("span", { class: "chip warn" }, `asked with ${ARMS[arm] ?? arm}`),
    here ? el("a", { class: "sm clip", href: address }, clip.title) : el("span", { class: "sm mono clip" }, clip.title));
}

// Text that is long is folded until asked for.
function folded(text, cls) {
  if (text.length <= LONG) return el("p", { class: cls }, text);
  const node = el("p", { class: `${cls} fold` }, text), more = el("button", { type: "button", class: "btn q s", "data-do": "question", "aria-expanded": "false", onclick: () => {
    const open = node.classList.toggle("fold") === false;
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Less" : "Show all";
  } }, "Show all");
  return [node, more];
}

function asked({ question, options, expected }) {
  return el("section", { "aria-label": "Question" }, el("h3", {}, "Question"), folded(question, "words"), options.length > 0 && el("ul", { class: "opts" }, options.map(({ letter, label }) => el("li", {}, el("b", {}, letter), " ", labelWord(label), label === expected && el("span", { class: "t3" }, ", right")))),
    el("p", { class: "sm t2" }, "Right would be: ", el("b", {}, labelWord(expected)), "."));
}

// The quote is a part of the text word for word, or it is not shown.
export function highlighted(text, quote) {
  const at = quote ? text.indexOf(quote) : -1;
  return at < 0 ? [text] : [text.slice(0, at), el("mark", {}, quote), text.slice(at + quote.length)].filter((part) => part !== "");
}

// The reading that decides has its quote highlighted.
function deciding({ answer, readings, final }) {
  const of = (kind) => readings.filter(({ reader, quote, problem }) => reader.startsWith(kind) && quote && !problem).at(-1);
  return (final.method === "person" ? of("person:") : final.method === "judge" ? of("judge:") : null)?.quote || answer.quote;
}

function responseOf(data) {
  const { listener, rater, text, outcome, problem, final } = data;
  return el("section", { "aria-label": "Response" }, el("h3", { class: "row" }, rater ? `${listener}, ${rater}` : listener, el("span", { class: "sp" }), answered(final.label, final.right)),
    text ? el("p", { class: "resp words" }, highlighted(text, deciding(data))) : el("p", { class: "resp t3" }, OUTCOMES[outcome] ?? "There is no text."), outcome !== "ok" && el("p", { class: "st bad sm" }, icon("x"), [text && OUTCOMES[outcome], problem].filter(Boolean).join(" ") || outcome), readingsOf(data));
}

function readingsOf({ answer, readings, paper_label, final, text }) {
  const facts = [answer.quote && text.includes(answer.quote) && answer.quote !== text && `“${answer.quote}”`, answer.offset_s !== null && `offset ${signed(answer.offset_s, 2)} s`, answer.visual_s !== null && `seen at ${answer.visual_s} s`, answer.audio_s !== null && `heard at ${answer.audio_s} s`].filter(Boolean);
  const line = (who, label, more, decides, problem) => el("li", { class: decides ? "t1" : "" }, el("b", {}, who), ": ", problem ? el("span", { class: "bad" }, `rejected, ${problem}`) : labelWord(label), more && ` (${more})`, decides && el("span", { class: "t3" }, ", counts"));
  const last = (kind) => readings.findLast((each) => each.reader.startsWith(kind) && !each.problem), deciding = final.method === "person" ? last("person:") : final.method === "judge" ? last("judge:") : null;
  return el("ul", { class: "reads-of sm t2" }, line(METHODS[answer.method] ?? "Rules", answer.label, facts.join(", "), !deciding && final.method !== "paper"),
    readings.map((each) => { const [kind, name] = each.reader.split(/:(.*)/s), sure = each.confidence !== null && `sure ${each.confidence.toFixed(2)}`; return line(kind === "person" ? name : `Judge ${name ?? ""}`.trim(), each.label, [sure, kind === "judge" && each.quote && (text.includes(each.quote) ? "quote found in the text" : "quote not in the text")].filter(Boolean).join(", "), each === deciding, each.problem); }),
    paper_label && el("li", {}, el("b", {}, "The paper’s own parser"), ": ", labelWord(paper_label), paper_label !== final.label && el("span", { class: "warn" }, ", not the same"), final.method === "paper" && el("span", { class: "t3" }, ", counts")));
}

const otherBlock = ({ listener, label, right, text, quote }) => el("section", { "aria-label": `Response of ${listener}` }, el("h3", { class: "row" }, listener, el("span", { class: "sp" }), answered(label, right)), el("p", { class: "resp words" }, text ? highlighted(text, quote) : "There is no text."));

function others(all, address) {
  if (!all.length) return null;
  const open = (response) => el("a", { class: "sm", href: address({ items: "", item: response }) }, "Open this answer");
  return el("section", { "aria-label": "Others on the same item" }, el("h3", {}, "Others on the same item"), all.map(({ response, listener, arm, label, right, text, quote }) => el("details", { class: "oth" }, el("summary", {}, el("span", { class: "row" }, el("span", { class: "clip" }, listener, arm && arm !== "audio_video" && el("span", { class: "t3" }, `, ${ARMS[arm] ?? arm}`)), el("span", { class: "sp" }), answered(label, right))),
    el("p", { class: "resp words" }, text ? highlighted(text, quote) : "There is no text."), open(response))));
}
