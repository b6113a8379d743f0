// Calibration: how late this machine's sound is against its picture, and how quick this person's hand is. Two rounds of presses, then the
// ear's own word by a slider, then one save. Everything by keyboard: space answers a beat, Enter goes on, Esc leaves.
import { post } from "../base/api.js";
import { Beats } from "./calibrate_beats.js";
import { BEATS, beatTimes, delaysOf, problemOf, resultOf } from "./calibrate_taps.js";
import { openDialog } from "../base/dialog.js";
import { el, replace, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";

const STORE = "thud.machine";
const RANGE_MS = 300;
const WHY = ["Speakers, headphones and screens answer late, each by its own amount; Bluetooth by a fifth of a second or more.",
  "Two rounds of presses measure this machine once. Sound marks set while a clip plays are then put right by that amount."];
const ROUNDS = {
  see: { title: "1 of 2: press when you see the flash", what: "flashes", flash: true, click: false },
  hear: { title: "2 of 2: press when you hear the click", what: "clicks", flash: false, click: true },
};

// A random name for this browser on this machine: an offset belongs to the machine, not to the person.
export function machineId() {
  let id = null;
  try { id = localStorage.getItem(STORE); } catch { /* storage is off: a new name each time */ }
  if (id && /^[0-9a-f]{16}$/.test(id)) return id;
  id = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  try { localStorage.setItem(STORE, id); } catch { /* as above */ }
  return id;
}

// me: {delayed} as the server knows it. onsaved(me as the server keeps it now). Returns the dialog.
export function openCalibration(root, { onsaved = () => {}, onclose = () => {}, me = {} } = {}) {
  return new Calibration(root, { onsaved, onclose, me }).dialog;
}

class Calibration {
  constructor(root, { onsaved, onclose, me }) {
    Object.assign(this, { onsaved, me, seen: [], heard: [], presses: [], round: null });
    this.lamp = el("div", { class: "lamp", "aria-hidden": "true" });
    this.stage = el("div", { class: "cal-stage", tabindex: "-1" }, this.lamp);
    this.said = el("div", { class: "cal-said", role: "status" });
    this.below = el("div", { class: "col" });
    this.foot = el("div", { class: "ph end" });
    this.beats = new Beats(this.lamp);
    const leave = () => { this.#stop(); this.beats.close(); onclose(); };
    this.dialog = openDialog(root, { title: "Sound and picture of this machine", cls: "narrow cal", body: el("div", { class: "pb col g12" }, this.stage, this.said, this.below), foot: this.foot, onclose: leave });
    const { node, signal } = this.dialog;
    node.addEventListener("keydown", (event) => this.#press(event), { capture: true, signal });
    node.addEventListener("keyup", (event) => { if (this.round && event.key === " ") event.preventDefault(); }, { capture: true, signal });
    document.addEventListener("visibilitychange", () => this.#hidden(), { signal });
    this.#begin();
  }

  #press(event) {
    if (!this.round || event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat) return;
    this.presses.push(event.timeStamp);
    this.#count();
  }

  #hidden() {
    if (!document.hidden || !this.round) return;
    this.#stop();
    this.#failed("The page was hidden during the round, so its times are worth nothing.");
  }

  #stop() { this.round = null; this.beats.stop(); }

  #say(...lines) { replace(this.said, lines.filter(Boolean).map((line) => (line instanceof Node ? line : el("p", {}, line)))); }

  #buttons(...buttons) {
    const primary = buttons.at(-1);
    replace(this.foot, el("span", { class: "sp" }), ...buttons);
    primary.focus();
  }

  #begin(problem = null) {
    this.stage.hidden = true;
    this.#say(...WHY, problem && trouble(problem));
    replace(this.below, el("p", { class: "t2" }, "Round 1: press ", el("kbd", {}, "space"), " at every flash. Round 2: at every click. Press when it comes; do not count along. Forty seconds in all."));
    this.#buttons(el("button", { class: "btn p", type: "button", onclick: () => this.#start("see") }, problem ? "Start again" : "Start round 1", el("kbd", {}, "↵")));
  }

  async #start(name) {
    if (!(await this.beats.wake())) { this.#begin("This browser lets no sound out of the page. Turn its sound on for this page, then start again."); return; }
    if (!this.dialog.node.open) return;
    const round = ROUNDS[name], times = beatTimes(performance.now());
    Object.assign(this, { round: name, presses: [], moments: round.flash ? [] : times });
    this.stage.hidden = false;
    replace(this.below);
    replace(this.foot, el("span", { class: "sm t3" }, "Press ", el("kbd", {}, "space"), " each time. ", el("kbd", {}, "esc"), " leaves without saving."), el("span", { class: "sp" }));
    this.counter = el("span", { class: "t3" });
    this.#say(el("h2", {}, round.title), this.counter);
    this.#count();
    this.stage.focus();
    this.beats.run(times, { flash: round.flash, click: round.click, onflash: (index, shown_ms) => { this.moments[index] = shown_ms; }, ondone: () => this.#ended(name) });
  }

  #count() { this.counter.textContent = `${this.presses.length} presses, ${BEATS} ${ROUNDS[this.round].what} in all`; }

  #ended(name) {
    const delays = delaysOf(this.moments.filter(Number.isFinite), this.presses), problem = problemOf(delays, ROUNDS[name].what);
    this.round = null;
    if (problem) { this.#failed(problem); return; }
    if (name === "see") {
      this.seen = delays;
      this.stage.hidden = true;
      this.#say(el("p", { class: "st ok" }, icon("check"), `${delays.length} of ${BEATS} flashes answered.`), "Now the sound. Set the volume as you work with it; nothing will flash.");
      this.#buttons(el("button", { class: "btn p", type: "button", onclick: () => this.#start("hear") }, "Start round 2", el("kbd", {}, "↵")));
      return;
    }
    this.heard = delays;
    const result = resultOf(this.seen, this.heard);
    if (result.problem) this.#failed(result.problem); else this.#show(result);
  }

  #failed(problem) { this.#begin(`${problem} Nothing was stored.`); }

  #show(result) {
    let late = result.sound_late_ms;
    const figure = el("b", { class: "cal-figure" }), how = el("span", { class: "t3" });
    const write = () => {
      figure.textContent = `${signed(late, 0)} ms`;
      how.textContent = late === result.sound_late_ms ? `by your presses, ± ${2 * result.error_ms} ms` : `by your eye and ear; the presses said ${signed(result.sound_late_ms, 0)} ms`;
    };
    const slider = el("input", { type: "range", step: "5", min: String(Math.min(-RANGE_MS, late)), max: String(Math.max(RANGE_MS, late)), value: String(late), "aria-label": "Sound later than picture, in milliseconds",
      oninput: () => { late = Number(slider.value); write(); } });
    const delayed = el("input", { type: "checkbox" });
    delayed.checked = Boolean(this.me.delayed);
    const save = el("button", { class: "btn p", type: "button", onclick: () => this.#save(save, { ...result, sound_late_ms: late }, delayed.checked) }, "Save for this machine", el("kbd", {}, "↵"));
    this.stage.hidden = false;
    this.#say(el("h2", {}, "Do flash and click come together now?"), el("p", {}, "If not, move the slider with ", el("kbd", {}, "←"), " ", el("kbd", {}, "→"), " until they do. People answer clicks a little sooner than flashes, so your eye and ear have the last word."));
    replace(this.below, el("div", { class: "row" }, el("span", { class: "t2" }, "Sound is late by"), figure, how), slider,
      el("div", { class: "row t2" }, el("span", {}, "Your hand answers after"), el("b", {}, `${result.reaction_ms} ms`), el("span", { class: "t3" }, `${this.seen.length + this.heard.length} presses, spread ${result.spread_ms} ms`)),
      el("label", { class: "fl" }, delayed, el("span", {}, "Delayed mode: take that time off marks I set while a clip plays")));
    write();
    this.#buttons(el("button", { class: "btn q", type: "button", onclick: () => { this.#stop(); this.#begin(); } }, "Measure again"), save);
    this.beats.run(endless(), { flash: true, click: true, early_ms: () => late });
    slider.addEventListener("keydown", (event) => { if (event.key === "Enter") save.click(); });
  }

  async #save(button, result, delayed) {
    button.disabled = true;
    const sent = { machine: machineId(), sound_late_ms: result.sound_late_ms, spread_ms: result.spread_ms, reaction_ms: result.reaction_ms, delayed,
      taps: [...this.seen, ...this.heard].map((delay) => Math.round(delay)) };
    let kept;
    try { kept = await post("/api/calibration", sent); } catch (error) {
      button.disabled = false;
      this.#say(trouble(`Not saved: ${error.message}`));
      return;
    }
    this.onsaved(kept);
    this.dialog.close();
  }
}

const trouble = (text) => el("p", { class: "note warn", role: "alert" }, icon("alert"), el("span", {}, text));

function* endless() {
  for (let at = performance.now() + 600; ; at += 1000 + 400 * Math.random()) yield at;
}
