// What stands beside the picture: the segment in words, what one said of it, what others say, and the buttons. Nodes and words only.
import { el, number, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { keysBar } from "../sound/player.js";

const SAYS = { agree: "agree", correct: "corrected it", reject: "rejected it" }, OTHERS = { agree: "agrees with it as it was", correct: "corrects it", reject: "rejects it" };
const HOW = { agree: "check", correct: "dash", reject: "x" };
const times = ({ start_s, end_s }) => `${number(start_s, 2)} – ${number(end_s, 2)} s`;
const NEAR_S = 0.05;

// Whether two words come to the same.
export function sameWord(a, b) {
  if (a.verdict !== b.verdict) return false;
  const near = (name) => Math.abs(a[name] - b[name]) <= NEAR_S;
  return a.verdict !== "correct" || (near("start_s") && near("end_s") && a.description === b.description && a.sounds.join("\n") === b.sounds.join("\n"));
}

export function headOf() {
  const save = el("span", { class: "st sm save", role: "status", "aria-live": "polite" }), count = el("span", { class: "sm nw" }), bar = el("i");
  const meter = el("span", { class: "pg", role: "progressbar", "aria-label": "Segments you looked at", "aria-valuemin": "0" }, bar);
  const node = el("div", { class: "head hd" }, el("h1", {}, "Segments"), el("span", { class: "sm t3 wide" }, "What is described, is it seen and heard there?"), el("span", { class: "sp" }), save, el("span", { class: "pgs" }, count, meter), el("a", { class: "btn q s", href: "/annotate" }, "Back to placing times"));
  const says = (level, glyph, words) => { save.className = `st sm save ${level}`; replace(save, icon(glyph), el("span", {}, words)); };
  return {
    node,
    show({ all, mine }) {
      replace(count, el("b", {}, String(mine)), ` of ${all}`);
      bar.style.width = `${all ? (100 * mine) / all : 0}%`;
      meter.setAttribute("aria-valuenow", String(mine));
      meter.setAttribute("aria-valuemax", String(all));
    },
    saving: () => says("", "dash", "Saving…"),
    saved: (at) => says("ok", "check", `Saved ${at}`),
    failed: () => says("bad", "x", "Not saved"),
  };
}

export function keysOf(bindings) {
  const ids = (...names) => names.map((name) => `segment.${name}`);
  return keysBar(bindings, [[ids("play"), "play"], [ids("agree"), "agree"], [ids("edit"), "correct"], [ids("reject"), "reject"], [ids("skip"), "skip"], [ids("prev", "next"), "before, next"], [ids("whole"), "segment or clip"], [ids("frame-back", "frame"), "frame"]]);
}

export class Card {
  // does: {agree, edit, reject, skip, take(word), next}
  constructor(does) {
    this.does = does;
    this.body = el("div", { class: "sg-words" });
    this.place = el("div", { hidden: true });
    const caps = { agree: "a", edit: "e", reject: "x", skip: "s" };
    const button = (cls, label, id) => el("button", { class: `btn ${cls}`, type: "button", onclick: does[id] }, label, " ", el("kbd", { "aria-hidden": "true" }, caps[id]));
    this.acts = el("div", { class: "row sg-acts" }, button("p", "Agree", "agree"), button("", "Correct…", "edit"), button("", "Reject…", "reject"), button("q", "Skip", "skip"));
    this.more = el("div", { class: "sg-others", hidden: true });
    this.node = el("div", { class: "sg-card" }, el("div", { class: "panel" }, this.body, this.place), this.acts, this.more);
  }

  edit(form) {
    this.acts.hidden = form !== null;
    this.place.hidden = form === null;
    replace(this.place, form);
  }

  show(row) {
    const fact = (name, ...value) => [el("dt", {}, name), el("dd", {}, value)];
    const heard = row.sounds.length ? el("ul", {}, row.sounds.map((one) => el("li", {}, one))) : el("span", { class: "t3" }, row.has_sound ? "nothing was noted" : "the clip has no sound");
    replace(this.body, el("div", { class: "row" }, el("b", { class: "clip" }, row.title), el("span", { class: "mono t3 nw" }, times(row)), el("span", { class: "sp" }), el("span", { class: "sm t3 clip" }, row.by === "file" ? "from the file" : row.by)),
      el("dl", { class: "kv" }, fact("Seen", row.description), fact("Heard", heard)), row.mine && this.#mine(row.mine));
    this.acts.lastChild.hidden = row.mine !== null;
    this.acts.firstChild.classList.toggle("p", row.mine === null);
    this.more.hidden = row.others.length === 0;
    if (row.others.length) this.#others(row);
  }

  #mine(mine) {
    return el("div", { class: `st sm ${mine.verdict === "reject" ? "bad" : "ok"}` }, icon(HOW[mine.verdict]), el("span", {}, `You ${SAYS[mine.verdict]}`, mine.note && `: ${mine.note}`, mine.verdict === "correct" && `: ${times(mine)}. ${mine.description}`));
  }

  // Only after one's own word: what models and people say, and how to take a model's words.
  #others(row) {
    const lines = row.others.map((word) => el("li", {}, el("div", { class: "row" }, icon(HOW[word.verdict]), el("b", { class: "clip" }, word.by), el("span", { class: "t2" }, OTHERS[word.verdict]), !word.heard && el("span", { class: "t3 sm" }, "saw pictures only"),
      el("span", { class: "sp" }), !word.person && word.verdict !== "agree" && !sameWord(word, row.mine) && el("button", { class: "btn s", type: "button", onclick: () => this.does.take(word) }, "Take this ", el("kbd", { "aria-hidden": "true" }, "t"))),
    word.verdict === "correct" && el("p", { class: "sm" }, el("span", { class: "mono t3" }, times(word)), ` ${word.description}`, word.sounds.length > 0 && el("span", { class: "t2" }, ` Heard: ${word.sounds.join("; ")}.`)), word.note && el("p", { class: "sm t2" }, word.note)));
    replace(this.more, el("div", { class: "panel" }, el("div", { class: "ph" }, el("h2", {}, "What others say"), el("span", { class: "sp" }), el("button", { class: "btn p s", type: "button", onclick: this.does.next }, "Next ", el("kbd", { "aria-hidden": "true" }, "↵"))), el("ul", {}, lines)));
  }
}

