// The picture with its tags, the transport under it, and the strip of conditions. Shows what the engine does; owns no time itself.
import { el, number, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { keyOf } from "../base/keys.js";
import { RATES } from "./engine.js";

export const CONDITIONS = new Set(["original", "early", "delayed", "muted", "swapped"]);
export const glyph = (condition, size) => icon(CONDITIONS.has(condition) ? condition : "info", size);
const ONE_ROW = 7; // more sounds than this stand in two rows where there is room
const rateWords = (rate) => (rate === 1 ? "1×" : `${rate}× (pitch drops)`);

// What a sound is called in a few words: "delayed +0.600 s", "muted, digital silence".
export function soundName(row) {
  if (row.condition === "original") return row.id === "source" ? "sound as found" : "original";
  return /^[+−]/.test(row.asked) ? `${row.condition} ${row.asked.split(",")[0]}` : `${row.condition}, ${row.asked}`;
}

export class Player {
  // digits: whether the sounds have keys of their own, 1 to 9.
  constructor(engine, { onselect, onloop, digits = true }) {
    Object.assign(this, { engine, onselect, digits });
    this.rows = [];
    this.hear = el("span", { class: "tag top" });
    this.starts = el("span");
    this.state = el("button", { class: "tag low", type: "button", onclick: () => engine.toggle() });
    this.time = el("span", { class: "tag low right mono" }, this.clock = el("span"), this.frame = el("span", { class: "dimmed" }));
    this.hint = el("span", { class: "tag top right", hidden: true }, icon("info", "s"), "Sound starts at your next click or key");
    this.host = el("div", { class: "screen", onclick: () => engine.toggle() });
    this.scene = el("div", { class: "scene" }, this.host, this.hear, this.hint, this.state, this.time);
    this.tabs = el("div", { class: "cs", role: "radiogroup", "aria-label": "Sound you hear" });
    this.transport = this.#transport(onloop);
    this.forget = engine.subscribe((kind) => (kind === "state" ? this.update() : this.tick()));
  }

  #transport(onloop) {
    const { engine } = this;
    const button = (label, text, run, extra = {}) => el("button", { class: "btn s", type: "button", "aria-label": label, title: label, onclick: run, ...extra }, text);
    this.play = el("button", { class: "btn s i", type: "button", onclick: () => engine.toggle() });
    this.loop = el("button", { class: "btn s", type: "button", "aria-pressed": "false", onclick: onloop }, "Loop ±0.5 s");
    this.rate = el("button", { class: "btn s", type: "button", onclick: () => engine.setRate(nextRate(engine.rate)) });
    this.volume = el("input", {
      type: "range", min: "0", max: "1", step: "0.05", "aria-label": "Volume", value: String(engine.volume),
      oninput: (event) => engine.setVolume(Number(event.target.value)), onkeydown: (event) => event.stopPropagation(),
    });
    return el("div", { class: "tp" }, this.play,
      button("One frame back", icon("right"), () => engine.step(-1), { class: "btn s i flip" }),
      button("One frame forward", icon("right"), () => engine.step(1), { class: "btn s i" }),
      this.loop, this.rate, el("span", { class: "sp" }), el("label", { class: "row t3 sm" }, "Volume", this.volume));
  }

  // media null: the same layout in grey, with the clip's thumbnail if it is known.
  show(media) {
    const video = media?.video ?? null;
    if (video) replace(this.host, video);
    else replace(this.host);
    this.scene.classList.toggle("wait", !video);
    for (const tag of [this.hear, this.state, this.time]) tag.hidden = !video;
    this.update();
  }

  wait() {
    this.looks = null;
    replace(this.tabs, Array.from({ length: 5 }, () => el("div", { class: "grey" }, el("div", { class: "sk" }))));
  }

  setSounds(rows, failed) {
    this.rows = rows;
    const looks = JSON.stringify(rows.map((row) => [row.condition, row.asked, failed.has(row.id)]));
    if (looks === this.looks && rows.length > 0) this.#again(rows);
    else replace(this.tabs, rows.length ? [...rows.map((row, index) => this.#tab(row, index, failed.get(row.id))), rows.length % 2 > 0 && el("div", { class: "fill" })] : el("p", { class: "none t2 sm" }, "This clip has no sound. The picture plays alone."));
    this.looks = looks;
    this.tabs.classList.toggle("many", rows.length > ONE_ROW);
    this.tabs.style.setProperty("--half", String(Math.ceil(rows.length / 2)));
    this.update();
  }

  // The next clip has the same conditions: the strip stays and only points at other sounds.
  #again(rows) {
    for (const [index, tab] of [...this.tabs.querySelectorAll("[role=radio]")].entries()) {
      tab.dataset.sound = rows[index].id;
      tab.title = `${rows[index].condition}, ${rows[index].asked}. ${rows[index].words}`;
    }
  }

  #tab(row, index, failed) {
    const tab = el("button", {
      type: "button", role: "radio", class: CONDITIONS.has(row.condition) ? row.condition : "", "data-sound": row.id,
      title: `${row.condition}, ${row.asked}. ${failed ?? row.words}`, onclick: () => this.onselect(tab.dataset.sound),
    });
    const small = failed ? "cannot play" : this.#short(row);
    tab.append(glyph(row.condition), el("span", { class: "two" }, el("span", { class: "row" }, el("b", { class: "clip" }, row.condition), el("span", { class: "sp" }),
      this.digits && index < 9 && el("kbd", { "aria-hidden": "true" }, String(index + 1))), el("small", { class: failed ? "clip bad" : "clip" }, small)));
    return tab;
  }

  // What tells a sound from the others; how a shift was filled only where another has the same lag.
  #short(row) {
    if (row.condition === "original") return row.id === "source" ? "as found" : "control";
    const twin = this.rows.some((one) => one !== row && row.offset_s && one.offset_s === row.offset_s);
    return row.offset_s && !twin ? row.asked.split(",")[0] : row.asked;
  }

  update() {
    const { engine } = this;
    const row = this.rows.find((one) => one.id === engine.sound);
    for (const tab of this.tabs.querySelectorAll("[role=radio]")) tab.setAttribute("aria-checked", String(tab.dataset.sound === engine.sound));
    this.hear.className = `tag top ${row && CONDITIONS.has(row.condition) ? row.condition : ""}`;
    const words = row ? (row.condition === "muted" ? `hearing nothing: ${soundName(row)}` : `hearing ${soundName(row)}`) : "no sound in this clip";
    replace(this.hear, row ? el("span", { class: "cg" }, glyph(row.condition)) : icon("muted"), words);
    const doing = engine.playing ? "Pause" : "Play";
    this.play.setAttribute("aria-label", doing);
    replace(this.play, icon(engine.playing ? "pause" : "play"));
    this.state.setAttribute("aria-label", `${doing}, ${rateWords(engine.rate)}`);
    replace(this.state, icon(engine.playing ? "pause" : "play"), rateWords(engine.rate));
    this.loop.setAttribute("aria-pressed", String(engine.loop !== null));
    replace(this.rate, rateWords(engine.rate));
    this.rate.setAttribute("aria-label", `Speed ${rateWords(engine.rate)}`);
    this.tick();
  }

  tick() {
    const { engine } = this;
    if (!engine.media) return;
    this.hint.hidden = !engine.blocked;
    const clock = `${number(engine.position)} s`, frame = `frame ${engine.frame}`;
    if (this.clock.textContent !== clock) this.clock.textContent = clock;
    if (this.frame.textContent !== frame) this.frame.textContent = frame;
  }

  destroy() { this.forget(); }
}

export const nextRate = (rate) => RATES[(RATES.indexOf(rate) + 1) % RATES.length];

// The keys under the timeline, as they are mapped now.
export function keysBar(bindings, groups) {
  const shown = { " ": "space", ArrowLeft: "←", ArrowRight: "→", Escape: "esc" };
  const cap = (id) => {
    const key = keyOf(bindings.find((one) => one.id === id));
    return el("kbd", {}, shown[key] ?? key);
  };
  return el("div", { class: "keys", "aria-hidden": "true" }, groups.map(([ids, words]) => el("span", { class: "k" }, ids.map(cap), words)),
    el("span", { class: "sp" }), el("span", { class: "k" }, el("kbd", {}, "?"), "all keys"));
}
