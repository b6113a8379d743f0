// A few seconds of sound around the event: the waveform of what is heard, the original dashed under it, and two marks: seen and heard.
// The canvas is drawn once for each sound; the playhead, a slider, moves over it. It asks to seek; it never plays.
import { el, number } from "../base/dom.js";
import * as draw from "../sound/draw.js";
import { CONDITIONS } from "../sound/player.js";

const SPAN_S = 4, HEIGHT = 56, TOP = 14; // the words stand over the waveform
const NEAR_EDGE = 0.3; // a mark this close to an edge has its words on the other side

// times: {visual_s, audio_s, heard_s}, any of them null. The window has both events in it and is as long as the clip at most.
export function windowOf({ visual_s, heard_s }, duration_s) {
  const events = [visual_s, heard_s].filter((time) => time !== null), span = Math.min(duration_s, events.length < 2 ? SPAN_S : Math.max(SPAN_S, Math.abs(visual_s - heard_s) * 1.6));
  const middle = events.length ? events.reduce((sum, time) => sum + time, 0) / events.length : duration_s / 2, start = Math.min(Math.max(middle - span / 2, 0), duration_s - span);
  return { start, end: start + span };
}

export class Strip {
  #frame = 0;

  constructor(engine, { onseek }) {
    Object.assign(this, { engine, onseek, item: null });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.marks = el("div");
    this.head = el("div", { class: "now", role: "slider", tabindex: "0", "aria-label": "Playhead", "aria-valuemin": "0" });
    this.probes = Object.fromEntries(Object.entries(draw.COLOURS).map(([name, token]) => [name, el("i", { style: { color: `var(${token})` } })]));
    this.node = el("div", { class: "evs" }, this.canvas, this.marks, this.head, el("div", { hidden: true }, Object.values(this.probes)));
    this.node.addEventListener("pointerdown", (event) => { const box = this.node.getBoundingClientRect(); if (this.item) onseek(draw.scale(this.item.view, box.width).t(event.clientX - box.left)); });
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(this.node);
    this.themes = new MutationObserver(() => this.redraw());
    for (const node of [document.documentElement, document.body]) this.themes.observe(node, { attributeFilter: ["class", "data-theme", "style"] });
    this.forget = engine.subscribe((kind) => { if (kind === "state") { this.mark(); this.redraw(); } this.move(); });
  }

  // item: {bundle, row: the sound that was shown or null, original, times}.
  show(item) {
    this.item = { ...item, view: windowOf(item.times, item.bundle.duration) };
    this.head.setAttribute("aria-valuemax", number(item.bundle.duration));
    this.mark();
    this.move();
    this.redraw();
  }

  get heard() { const { row, original } = this.item; return row && this.engine.sound === row.id ? row : original; }

  mark() {
    if (!this.item) return;
    const { view, times: { visual_s, audio_s, heard_s }, row } = this.item, { heard } = this, edited = heard === row, sound_s = edited ? heard_s : audio_s, across = (time_s) => (time_s - view.start) / (view.end - view.start);
    const gone = edited && row?.condition === "muted", seenFirst = visual_s === null || sound_s === null || visual_s <= sound_s;
    const inside = (time_s) => time_s !== null && across(time_s) >= 0 && across(time_s) <= 1, leftOf = (time_s, left) => (left && across(time_s) > NEAR_EDGE) || across(time_s) > 1 - NEAR_EDGE;
    const one = (time_s, cls, words, left, low) => {
      const at = across(time_s);
      return [el("i", { class: cls, style: { left: `${at * 100}%` } }), el("span", { class: `xs ${cls}${low ? " low" : ""}`, style: left ? { right: `${(1 - at) * 100 + 1}%` } : { left: `${at * 100 + 1}%` } }, words)];
    };
    const seen = inside(visual_s), audible = inside(sound_s), seenLeft = seen && leftOf(visual_s, seenFirst), heardLeft = audible && leftOf(sound_s, !seenFirst);
    this.marks.replaceChildren(...(seen ? one(visual_s, "tv", `picture ${number(visual_s)}`, seenLeft, false) : []),
      ...(audible ? one(sound_s, `ta ${heard && CONDITIONS.has(heard.condition) ? heard.condition : ""}`, gone ? "sound muted" : `sound ${number(sound_s)}`, heardLeft, seen && seenLeft === heardLeft) : []));
  }

  move() {
    if (!this.item) return;
    const { view } = this.item, at = this.engine.position, share = (at - view.start) / (view.end - view.start);
    this.head.hidden = share < 0 || share > 1;
    this.head.style.left = `${share * 100}%`;
    if (this.engine.playing && this.head !== document.activeElement) return;
    this.head.setAttribute("aria-valuenow", number(at));
    this.head.setAttribute("aria-valuetext", `${number(at)} seconds`);
  }

  redraw() { this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.paint(); }); }

  paint() {
    const { width } = this.node.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    if (width < 1 || !this.item) return;
    const { bundle, original, view } = this.item, sc = draw.scale(view, width), lane = { y: TOP, h: HEIGHT - TOP }, colours = draw.readColours(this.probes, this.node), { heard } = this;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: HEIGHT * ratio });
    const ctx = this.canvas.getContext("2d"), of = (row) => row && { peaks: bundle.peaks.get(row.id), buffer: bundle.buffers.get(row.id) };
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    const here = of(heard), base = of(original), gain = 1 / Math.max(draw.loudest(here), draw.loudest(base), 0.05), env = here && draw.envelope(here, sc, Math.round(width * ratio));
    if (env) draw.wave(ctx, lane, env, gain, colours.dim, width);
    const under = heard !== original && base && draw.envelope(base, sc, Math.round(width));
    if (under) draw.ghost(ctx, lane, under, gain, colours.faint, width);
  }

  destroy() {
    this.forget();
    this.sizes.disconnect();
    this.themes.disconnect();
    cancelAnimationFrame(this.#frame);
  }
}
