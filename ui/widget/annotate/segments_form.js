// The fields of a correction, in place: times, what is seen, what is heard; or why a segment is rejected. It only reads what was typed.
import { el, replace } from "../base/dom.js";

const SHORTEST_S = 0.1;

export class SegmentForm {
  // how: "correct" or "reject". onsave(verdict, told); onclose().
  constructor(row, { how, player, onsave, onclose }) {
    Object.assign(this, { row, how, player, onsave, onclose });
    this.wrong = el("p", { class: "bad sm", role: "alert", hidden: true });
    const save = el("button", { class: "btn p", type: "submit" }, how === "reject" ? "Reject and next" : "Save and next", " ", el("kbd", { "aria-hidden": "true" }, "↵"));
    const stop = el("button", { class: "btn q", type: "button", onclick: onclose }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "esc"));
    this.node = el("form", { class: "sg-form", novalidate: true, onsubmit: (event) => { event.preventDefault(); this.#send(); }, onkeydown: (event) => this.#key(event) }, how === "reject" ? this.#reason() : this.#fields(), this.wrong, el("div", { class: "row" }, save, stop));
  }

  #reason() {
    this.note = el("input", { class: "in", type: "text", maxlength: "300", autocomplete: "off", placeholder: "nothing of that is in the clip" });
    return el("label", { class: "sg-field" }, el("span", { class: "sm t2" }, "Why it is left out"), this.note);
  }

  #fields() {
    const { row } = this, now = row.mine?.verdict === "correct" ? row.mine : row;
    const time = (label, value, edge) => {
      const field = el("input", { class: "in mono", type: "text", inputmode: "decimal", value: value.toFixed(2), autocomplete: "off", oninput: () => this.#moved() });
      const here = el("button", { class: "btn q s", type: "button", "aria-label": `Set ${edge} to the playhead`, title: `Set ${edge} to the playhead`, onclick: () => { field.value = this.player.engine.position.toFixed(2); this.#moved(); } }, "here");
      return [field, el("div", { class: "sg-field" }, el("label", {}, el("span", { class: "sm t2" }, label), field), here)];
    };
    const [start, begin] = time("Begins, s", now.start_s, "the beginning"), [end, finish] = time("Ends, s", now.end_s, "the end");
    const area = (value, rows) => el("textarea", { class: "in", rows: String(rows), maxlength: "600" }, value);
    Object.assign(this, { start, end, description: area(now.description, 3), sounds: area(now.sounds.join("\n"), 3) });
    return [el("div", { class: "sg-times" }, begin, finish), el("label", { class: "sg-field" }, el("span", { class: "sm t2" }, "Seen"), this.description), el("label", { class: "sg-field" }, el("span", { class: "sm t2" }, "Heard, one sound a line"), this.sounds)];
  }

  focus() { const field = this.note ?? this.description; field.focus(); }

  // Enter saves, except in the lines of sounds; Ctrl and Enter saves everywhere.
  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.onclose(); return; }
    const lines = event.target === this.sounds && !event.ctrlKey && !event.metaKey;
    if (event.key === "Enter" && event.target.matches("textarea,input") && !lines && !event.shiftKey) { event.preventDefault(); this.#send(); }
  }

  #times() {
    const [start_s, end_s] = [this.start, this.end].map((field) => (field.value.trim() === "" ? NaN : Number(field.value.replace(",", ".").replace("s", ""))));
    return { start_s, end_s };
  }

  #moved() {
    const { start_s, end_s } = this.#times();
    if (this.#fits(start_s, end_s)) this.player.interval({ start_s, end_s });
  }

  #fits(start_s, end_s) { return start_s >= 0 && end_s - start_s >= SHORTEST_S && end_s <= this.row.duration_s + 0.05; }

  #send() {
    if (this.how === "reject") {
      const note = this.note.value.trim();
      if (!note) this.#refuse("Say in a few words why it is left out."); else this.onsave("reject", { note });
      return;
    }
    const { start_s, end_s } = this.#times(), description = this.description.value.trim();
    if (!this.#fits(start_s, end_s)) { this.#refuse(`The segment begins before it ends, both within the clip: from 0 to ${this.row.duration_s.toFixed(1)} s.`); return; }
    if (!description) { this.#refuse("Say what is seen in the segment; to leave it out, reject it."); return; }
    this.onsave("correct", { start_s, end_s, description, sounds: this.sounds.value.split("\n").map((line) => line.trim()).filter(Boolean) });
  }

  #refuse(words) { this.wrong.hidden = false; replace(this.wrong, words); }
}
