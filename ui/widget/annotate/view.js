// The frame of the workbench: head with save state and progress, the row of actions, the keys below, and what stands there when there
// is no clip. Nodes and words only; what happens is the bench's.
import { el, number, replace } from "../base/dom.js";
import { keyWord } from "../base/help.js";
import { icon } from "../base/icons.js";
import { keyOf } from "../base/keys.js";

const FRESH_MS = 5000;
export const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const capOf = (bindings, id) => {
  const binding = bindings.find((one) => one.id === id);
  return el("kbd", { "aria-hidden": "true" }, binding ? keyWord(keyOf(binding)) : "");
};

// The one place that says what became of a save. look(): shows what could not be saved.
export class SaveState {
  constructor({ look }) {
    Object.assign(this, { look, last: null, since: 0 });
    this.node = el("span", { class: "st sm save", role: "status", "aria-live": "polite" });
    this.says = "";
  }

  // A save that has just arrived is said for a while, even when the next clip has a draft already.
  show(state, drafted) {
    clearTimeout(this.timer);
    if (state.saved !== this.last) Object.assign(this, { last: state.saved, since: Date.now() });
    this.fresh = state.saved !== null && Date.now() - this.since < FRESH_MS;
    if (this.fresh && drafted) this.timer = setTimeout(() => this.show(state, drafted), FRESH_MS);
    const { level, glyph, text, more = "", act = null } = this.#words(state, drafted);
    if (this.says === text + more) return;
    this.says = text + more;
    this.node.className = `st sm save ${level}`;
    this.node.title = more;
    replace(this.node, text ? [icon(glyph), el("span", {}, text)] : [], act);
  }

  #words({ waiting, refused, problem, slow, saved, unsafe }, drafted) {
    const look = (label) => el("button", { class: "linky", type: "button", onclick: () => this.look(refused[0]) }, label);
    if (refused.length > 0) {
      const [{ refused: { status, sentence } }] = refused, [, who, at] = /^(.+?) changed this at ([\d:]+ UTC)/.exec(sentence) ?? [];
      if (status === 409) return { level: "bad", glyph: "x", text: who ? `Changed by ${who} at ${at}` : "Changed meanwhile", more: sentence, act: look("Compare the two") };
      return { level: "bad", glyph: "x", text: refused.length === 1 ? "1 save was refused" : `${refused.length} saves were refused`, more: sentence, act: look("Look") };
    }
    if (problem?.kind === "full") return { level: "bad", glyph: "x", text: "Disk full, not saved", more: "Kept on this machine until there is room." };
    if (problem?.kind === "signed_out") return { level: "bad", glyph: "x", text: "Not saved, your session ended", more: "Kept on this machine until you sign in again.", act: el("a", { href: `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}` }, "Sign in") };
    const kept = unsafe ? "This browser keeps nothing: leave this page open until they are sent." : "Server away. You can go on; they are kept on this machine.";
    if (problem && waiting > 0) return { level: "warn", glyph: "alert", text: `${waiting} waiting to be sent`, more: kept };
    if (waiting > 0 && slow) return { level: "", glyph: "dash", text: "Saving…" };
    if (drafted && !this.fresh) return { level: "", glyph: "clock", text: "Draft kept on this machine" };
    return saved ? { level: "ok", glyph: "check", text: `Saved ${clock(saved.at)}` } : { level: "", glyph: "dash", text: "" };
  }
}

export class Progress {
  constructor() {
    this.bar = el("i");
    this.count = el("span", { class: "sm nw" });
    this.pace = el("span", { class: "sm t3 nw wide" });
    this.node = el("span", { class: "pgs", hidden: true }, this.count, el("span", { class: "pg", role: "progressbar", "aria-label": "Clips marked", "aria-valuemin": "0" }, this.bar), this.pace);
  }

  // adjudicates: then what counts is how many are to be decided, not what one has marked.
  show({ mine, remaining, pace_s, left_s, waiting_adjudication }, adjudicates = false) {
    this.bar.parentNode.hidden = this.pace.hidden = adjudicates;
    if (adjudicates) { this.node.hidden = false; replace(this.count, el("b", {}, String(waiting_adjudication)), " to decide"); return; }
    const all = mine + remaining;
    this.node.hidden = all === 0;
    replace(this.count, el("b", {}, String(mine)), ` of ${all}`);
    this.bar.style.width = `${all ? (100 * mine) / all : 0}%`;
    this.bar.parentNode.setAttribute("aria-valuenow", String(mine));
    this.bar.parentNode.setAttribute("aria-valuemax", String(all));
    this.pace.textContent = pace_s ? `${number(pace_s, pace_s < 10 ? 1 : 0)} s a clip${remaining ? `, about ${span(left_s ?? pace_s * remaining)} left` : ""}` : "";
  }
}

function span(seconds) {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${number(seconds / 3600, 1)} h`;
}

// does: {save, discard, skip, undo, note(text), leaveNote}
export class Actions {
  constructor(bindings, does, { saves, noteWords }) {
    Object.assign(this, { bindings, saves });
    const button = (cls, label, id, run) => el("button", { class: `btn ${cls}`, type: "button", onclick: run, "data-key": id }, label, " ", capOf(bindings, id));
    this.save = button("p", saves, "annotate.save", does.save);
    this.missing = el("span", { class: "sm missing" });
    this.discard = button("", "Discard…", "annotate.discard", does.discard);
    this.skip = button("q", "Skip", "annotate.skip", does.skip);
    this.undo = button("q", "Undo", "annotate.undo", does.undo);
    this.note = el("input", { type: "text", maxlength: "2000", placeholder: noteWords, "aria-label": noteWords, autocomplete: "off", oninput: () => does.note(this.note.value), onkeydown: (event) => { if ((event.key === "Enter" || event.key === "Escape") && !event.isComposing) { event.preventDefault(); event.stopPropagation(); this.note.blur(); } } });
    this.field = el("label", { class: "in note-field" }, this.note, this.noteCap = el("span"));
    this.node = el("div", { class: "row act" }, this.save, this.missing, this.discard, this.skip, this.undo, this.field);
    this.rekey();
  }

  // The keys may have been changed.
  rekey() {
    for (const button of [this.save, this.discard, this.skip, this.undo]) button.querySelector("kbd").replaceWith(capOf(this.bindings, button.dataset.key));
    replace(this.noteCap, capOf(this.bindings, "annotate.note"));
  }

  // missing: null when the clip can be saved; else words and keys for what is not set.
  show({ missing, note, off = false }) {
    this.save.setAttribute("aria-disabled", String(missing !== null || off));
    replace(this.missing, missing ?? []);
    this.missing.hidden = missing === null;
    for (const button of [this.discard, this.skip]) button.setAttribute("aria-disabled", String(off));
    if (this.note.value !== note && document.activeElement !== this.note) this.note.value = note;
  }
}

// In place of the clip: what to do when there is none.
export function emptyState({ progress, adjudicates, clips, onlook, canAdjudicate }) {
  const { mine = 0, mine_today = 0, remaining = 0, waiting_second = 0, waiting_adjudication = 0 } = progress ?? {};
  if (clips === 0) return state("No clips yet", "Add videos on the Clips page; they come here as soon as they are read.", el("a", { class: "btn p", href: "/clips?add=1" }, "Add clips…"));
  const waits = [waiting_second && `${waiting_second} wait for a second person`, waiting_adjudication && `${waiting_adjudication} for adjudication`].filter(Boolean).join(", ");
  const done = adjudicates ? "" : `${mine} of ${mine + remaining} marked, ${mine_today} of them today. `;
  const open = adjudicates ? el("a", { class: "btn", href: "/annotate" }, "Back to the queue") : canAdjudicate && waiting_adjudication > 0 && el("a", { class: "btn", href: "/annotate?adjudicate=1" }, "Open adjudication");
  return state(adjudicates ? "Nothing to adjudicate" : "Nothing left for you in this queue", `${done}${waits ? `${waits}.` : "New clips show here by themselves."}`, open, mine > 0 && !adjudicates && el("button", { class: "btn q", type: "button", onclick: onlook }, "Look back at mine"));
}

export const state = (title, text, ...acts) => el("div", { class: "panel empty none", role: "status" }, el("h2", {}, title), el("p", { class: "sm" }, text), el("div", { class: "row" }, acts));
