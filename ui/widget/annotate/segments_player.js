// A segment to be seen and heard: the clip as it was found, going round within the segment, and a strip of the whole clip with the segment on it.
import { get } from "../base/api.js";
import { el, number, replace } from "../base/dom.js";
import * as draw from "../sound/draw.js";
import { Engine } from "../sound/engine.js";
import { icon } from "../base/icons.js";
import { Player } from "../sound/player.js";
import { Prefetch } from "../sound/prefetch.js";

const HEIGHT = 64;

// The clip's own sound only: no edited ones.
async function record(id, options) {
  const found = await get(`/api/clips/${encodeURIComponent(id)}`, options), own = found.sounds.find(({ condition }) => condition === "original");
  return { ...found, sounds: own ? [own] : [] };
}

export class SegmentPlayer {
  #frame = 0;

  constructor() {
    this.engine = new Engine();
    this.prefetch = new Prefetch(this.engine.context, () => 0, record);
    this.player = new Player(this.engine, { onselect: () => {}, onloop: () => this.flipLoop(), digits: false });
    this.player.loop.textContent = "Within the segment";
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.part = el("div", { class: "sg-part" });
    this.now = el("div", { class: "now", role: "slider", tabindex: "0", "aria-label": "Playhead", "aria-valuemin": "0" });
    this.probes = Object.fromEntries(Object.entries(draw.COLOURS).map(([name, token]) => [name, el("i", { style: { color: `var(${token})` } })]));
    this.strip = el("div", { class: "sg-strip" }, this.canvas, this.part, this.now, el("div", { hidden: true }, Object.values(this.probes)));
    this.note = el("div", { class: "note warn", role: "status", hidden: true });
    this.node = el("div", { class: "sg-player" }, this.player.scene, this.strip, this.player.transport, this.note);
    this.strip.addEventListener("pointerdown", (event) => this.#seek(event));
    this.now.addEventListener("keydown", (event) => this.#nudge(event));
    new ResizeObserver(() => this.#redraw()).observe(this.strip);
    const themes = new MutationObserver(() => this.#redraw());
    for (const node of [document.documentElement, document.body]) themes.observe(node, { attributeFilter: ["class", "data-theme", "style"] });
    this.engine.subscribe(() => this.#move());
    this.row = this.bundle = null;
    window.__thud = { ...window.__thud, engine: this.engine };
  }

  // ahead: ids of the clips that come next.
  async show(row, ahead) {
    const before = this.bundle;
    this.row = row;
    this.note.hidden = true;
    this.interval(row);
    const bundle = this.prefetch.show(row.clip);
    this.prefetch.want(row.clip, [...new Set(ahead)].filter((id) => id !== row.clip));
    if (before && before !== bundle) before.onsound = null;
    if (!bundle.data) { this.engine.unload(); this.bundle = null; this.player.show(null); this.#redraw(); }
    try { await bundle.ready; } catch (error) { if (this.row === row) this.#says(error.message); return; }
    if (this.row !== row) return;
    this.bundle = bundle;
    bundle.onsound = (id) => { this.engine.arrived(id); if (bundle.failed.has(id)) this.#says(bundle.failed.get(id)); this.#redraw(); };
    const [sound] = bundle.data.sounds;
    if (before !== bundle || !this.engine.media) {
      this.engine.load({ video: bundle.video, table: bundle.table, duration: bundle.duration, buffers: bundle.buffers, proxy: bundle.proxy }, row.start_s, sound?.id ?? null);
      this.player.setSounds(bundle.data.sounds, bundle.failed);
      this.player.show(bundle);
    }
    this.engine.setLoop(this.#range());
    this.engine.seek(row.start_s);
    this.interval(row);
  }

  leave() { this.row = null; this.engine.unload(); this.bundle = null; }

  #range() { return { start: this.row.start_s, end: this.row.end_s }; }

  toStart() { this.engine.seek(this.part_s?.start_s ?? 0); }

  flipLoop() { if (this.engine.media) this.engine.setLoop(this.engine.loop ? null : { start: this.part_s.start_s, end: this.part_s.end_s }); }

  // The stretch that is marked on the strip and gone round in: the segment's, or the one that is being typed.
  interval(part) {
    if (!part) return;
    this.part_s = { start_s: part.start_s, end_s: part.end_s };
    const whole = this.row?.duration_s || 1;
    Object.assign(this.part.style, { left: `${(100 * part.start_s) / whole}%`, width: `${(100 * (part.end_s - part.start_s)) / whole}%` });
    if (this.engine.media && this.engine.loop && part.end_s - part.start_s >= 0.1) this.engine.setLoop({ start: part.start_s, end: part.end_s });
  }

  #says(words) { this.note.hidden = false; replace(this.note, icon("alert"), el("span", {}, words)); }

  #seek(event) {
    if (!this.engine.media) return;
    const box = this.strip.getBoundingClientRect();
    this.engine.setLoop(null);
    this.engine.seek(((event.clientX - box.left) / box.width) * this.row.duration_s);
  }

  #nudge(event) {
    const by = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key];
    if (!by || !this.engine.media) return;
    event.preventDefault();
    event.stopPropagation();
    this.engine.setLoop(null);
    this.engine.seek(this.engine.position + by);
  }

  #move() {
    const { engine, row } = this;
    this.now.hidden = !engine.media;
    if (!engine.media || !row) return;
    this.now.style.left = `${(100 * engine.position) / row.duration_s}%`;
    if (engine.playing && this.now !== document.activeElement) return;
    this.now.setAttribute("aria-valuemax", number(row.duration_s));
    this.now.setAttribute("aria-valuenow", number(engine.position));
    this.now.setAttribute("aria-valuetext", `${number(engine.position)} seconds`);
  }

  #redraw() { this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.#paint(); }); }

  #paint() {
    const { width } = this.strip.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    if (width < 1) return;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: HEIGHT * ratio });
    const [sound] = this.bundle?.data.sounds ?? [];
    if (!sound) return;
    const ctx = this.canvas.getContext("2d"), sc = draw.scale({ start: 0, end: this.bundle.duration }, width), of = { peaks: this.bundle.peaks.get(sound.id), buffer: this.bundle.buffers.get(sound.id) };
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    const env = draw.envelope(of, sc, Math.round(width * ratio)), colours = draw.readColours(this.probes, this.node);
    if (env) draw.wave(ctx, { y: 4, h: HEIGHT - 8 }, env, 1 / Math.max(draw.loudest(of), 0.05), colours.dim, width);
  }
}
