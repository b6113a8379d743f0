// What an item was asked about, to be seen and heard: the very stimulus, at its event, against the original.
// Engine and loaded clips stay from item to item, so that going through a list costs one sound, not a page.
import { el, replace } from "../base/dom.js";
import { Engine } from "../sound/engine.js";
import { icon } from "../base/icons.js";
import { Player, nextRate, soundName } from "../sound/player.js";
import { Prefetch } from "../sound/prefetch.js";
import { Strip } from "./strip.js";

const LEFT_MS = 3000; // after nothing was shown for this long, everything loaded is given back
let shared = null, leaving = 0, records; // records: how a clip's record is asked for; undefined = as everywhere

// A page that plays other files than people's says where its clips' records come from: about(id, options), before its first stage.
export const askRecordsBy = (about) => { records = about; };

function borrow() {
  clearTimeout(leaving);
  if (!shared) {
    const engine = new Engine();
    shared = { engine, prefetch: new Prefetch(engine.context, undefined, records) };
    window.__thud = { ...window.__thud, engine };
  }
  return shared;
}
function giveBack() {
  clearTimeout(leaving);
  leaving = setTimeout(() => { shared?.prefetch.destroy(); shared?.engine.destroy(); shared = null; }, LEFT_MS);
}

// The clip page's player with an item's words: from where it plays, and the way to the original.
class Scene extends Player {
  constructor(engine, { from_s, onflip }) {
    super(engine, { onselect: () => {}, onloop: () => {}, digits: false });
    this.from_s = from_s;
    this.flip = el("button", { class: "tag", type: "button", onclick: (event) => { event.stopPropagation(); onflip(); } });
    this.state.className = "tag";
    this.scene.append(el("div", { class: "lows row" }, this.state, this.flip));
  }

  update() {
    super.update();
    if (!this.flip) return;
    const { engine } = this, other = this.rows.find((row) => row.id !== engine.sound);
    replace(this.state, icon(engine.playing ? "pause" : "play"), engine.playing ? "pause" : `from ${engine.position.toFixed(1)} s`, engine.rate !== 1 && `${engine.rate}×`);
    this.flip.hidden = this.rows.length < 2;
    replace(this.flip, el("kbd", {}, "b"), other ? soundName(other) : "");
    this.flip.setAttribute("aria-label", other ? `Hear ${soundName(other)}` : "");
  }
}

// about: what /api/results/item answers; against: the sound to flip to, where that is not the original. parked: {position, sound, playing} of before, or null. Has node, state(), destroy().
export class Stage {
  constructor(about, parked) {
    Object.assign(this, { about, parked, alive: true, rows: [] });
    const { engine } = borrow();
    this.engine = engine;
    this.scene = new Scene(engine, { from_s: about.from_s, onflip: () => this.flip() });
    this.strip = new Strip(engine, { onseek: (time_s) => this.engine.seek(time_s) });
    this.note = el("div", { class: "note warn", role: "status", hidden: true });
    this.node = el("div", { class: "cpg seen" }, this.scene.scene, this.strip.node, this.note);
    this.node.addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); }); // the keys stay with the page
    this.scene.show(null);
    this.load();
  }

  async load() {
    const { about } = this, { prefetch } = borrow(), bundle = prefetch.show(about.clip.id);
    prefetch.want(about.clip.id, []);
    try { await bundle.ready; } catch (error) { if (this.alive) this.says(error.message); return; }
    if (!this.alive) return;
    const { sounds } = bundle.data, row = sounds.find(({ id }) => id === about.stimulus.id) ?? null, original = sounds.find(({ id }) => id === about.against) ?? sounds.find(({ condition, id }) => condition === "original" && id !== "source") ?? sounds[0] ?? null;
    this.bundle = bundle;
    this.row = row;
    this.original = original;
    this.rows = [...new Set([original, row])].filter(Boolean);
    if (!row) this.says("The stimulus is no longer in this workspace. What you hear is the original; build its soundtracks again to hear what was asked about.");
    bundle.onsound = (id) => this.arrived(id);
    this.engine.load({ video: bundle.video, table: bundle.table, duration: bundle.duration, buffers: bundle.buffers, proxy: bundle.proxy }, this.parked?.position ?? about.from_s, this.parked?.sound ?? (row ?? original)?.id ?? null);
    this.scene.setSounds(this.rows, bundle.failed);
    this.scene.show(bundle);
    this.strip.show({ bundle, row, original, times: about.times });
    if (this.parked?.playing) this.engine.play();
  }

  arrived(id) {
    if (!this.alive) return;
    if (this.bundle.buffers.has(id)) this.engine.arrived(id);
    if (this.bundle.failed.has(id) && id === this.row?.id) this.says(this.bundle.failed.get(id));
    this.strip.redraw();
  }

  says(words) { this.note.hidden = false; replace(this.note, icon("alert"), el("span", {}, words)); }

  flip() {
    const other = this.rows.find(({ id }) => id !== this.engine.sound);
    if (other) this.engine.select(other.id);
  }

  state() { const { engine } = this; return engine.media && this.bundle ? { position: engine.position, sound: engine.sound, playing: engine.playing } : this.parked; }

  destroy() {
    this.alive = false;
    if (this.bundle) this.bundle.onsound = null;
    this.scene.destroy();
    this.strip.destroy();
    this.engine.unload();
    giveBack();
  }
}

// stage(): the stage of now, or null.
export function stageKeys(stage) {
  const key = (id, name, label, run) => ({ id: `item.${id}`, key: name, label, run: () => { const on = stage(); if (on?.engine.media) run(on.engine, on); } });
  const move = (by) => (engine) => engine.seek(engine.position + by);
  return [key("play", " ", "Play or pause", (engine) => engine.toggle()), key("flip", "b", "Flip between what was asked about and the original", (_, on) => on.flip()), key("start", "Home", "Back to before the event", (engine, on) => engine.seek(on.about.from_s)),
    key("frame-back", ",", "One frame back", (engine) => engine.step(-1)), key("frame", ".", "One frame forward", (engine) => engine.step(1)), key("back", "ArrowLeft", "100 ms back", move(-0.1)), key("on", "ArrowRight", "100 ms forward", move(0.1)),
    key("rate", "r", "Speed 1×, 0.5×, 0.25×; slower drops the pitch", (engine) => engine.setRate(nextRate(engine.rate)))];
}
