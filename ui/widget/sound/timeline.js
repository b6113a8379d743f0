// The timeline: one canvas for everything that is the same while time runs (redrawn only on zoom, scroll, another sound, another
// theme), and DOM on top for what moves: playhead (a slider), and the window in the overview. It asks to seek; it never plays.
import { el, number, replace, signed } from "../base/dom.js";
import * as draw from "./draw.js";
import { CONDITIONS, glyph } from "./player.js";
import { startOf } from "./prefetch.js";

const LANES = { whole: 24, ruler: 24, picture: 36, sound: 36, wave: 80, spectrum: 88 };
const LOW = { ...LANES, picture: 34, sound: 34, wave: 56, spectrum: 58 };     // where the window is low
const low = matchMedia("(max-height: 800px)");
const SHORTEST_S = 0.02;

export class Timeline {
  #frame = 0;
  #abort = new AbortController();
  #foreignWheel = 0;
  #scratch = new OffscreenCanvas(8, 8);

  // Known times of the clip are drawn unless `own` is given: then the page fills the lanes of picture and sound itself, as DOM over
  // the canvas. own: {lanes, low: heights that differ, view(clip): the first window in time, onview(scale): after each painting}.
  constructor(engine, { onseek, own = null }) {
    Object.assign(this, { engine, onseek, own, lag: null, duration: 0, view: { start: 0, end: 1 }, clip: null, row: null, original: null, selection: null, paints: 0 });
    this.#build();
    this.#listen();
    this.forget = engine.subscribe((kind) => { if (kind === "state") this.redraw(); this.move(); });
  }

  #build() {
    const row = (name, ...inner) => (this.labels[name] = el("div", { class: `g ${name}` }, inner));
    this.labels = {};
    this.waveWords = el("span", { class: "cd" });
    this.ghostWords = el("span", { class: "t3" });
    this.topWords = el("span", { class: "cd" });
    this.lowWords = el("span", { class: "t3" });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.window = el("div", { class: "win", "aria-hidden": "true" });
    this.now = el("div", { class: "nw2", "aria-hidden": "true" });
    this.head = el("div", { class: "ph1", role: "slider", tabindex: "0", "aria-label": "Playhead", "aria-valuemin": "0" });
    this.clipped = el("div", { class: "phw" }, this.head);
    this.area = el("div", { class: "cv" }, this.canvas, this.window, this.now, this.clipped);
    this.probes = Object.fromEntries(Object.entries(draw.COLOURS).map(([name, token]) => [name, el("i", { style: { color: `var(${token})` } })]));
    this.node = el("section", { class: "panel tl", "aria-label": "Timeline" },
      el("div", { class: "gs", "aria-hidden": "true" }, row("whole", el("span", { class: "t3" }, "whole clip")), row("ruler", el("span", { class: "t3" }, "seconds")),
        row("picture", el("b", {}, "Picture"), el("span", { class: "t3" }, "event seen")), row("sound", el("b", {}, "Sound"), el("span", { class: "t3" }, "event heard")),
        row("wave", el("b", {}, "Waveform"), this.waveWords, this.ghostWords),
        row("spectrum", el("b", {}, "Spectrogram"), this.topWords, this.lowWords, el("span", { class: "t3 khz" }, "0–8 kHz"))),
      this.area, el("div", { hidden: true }, Object.values(this.probes)));
    this.#measure();
  }

  #measure() {
    let y = 0;
    const heights = low.matches ? { ...LOW, ...this.own?.low } : { ...LANES, ...this.own?.lanes };
    this.lanes = Object.fromEntries(Object.entries(heights).map(([name, h]) => {
      const lane = { y, h };
      y += h;
      this.labels[name].style.height = `${h}px`;
      return [name, lane];
    }));
    this.height = y;
    this.area.style.height = `${y}px`;
  }

  #listen() {
    const { signal } = this.#abort, redraw = () => { this.colours = null; this.redraw(); };
    this.area.addEventListener("pointerdown", (event) => this.#press(event), { signal });
    this.area.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
    document.addEventListener("wheel", (event) => { if (!this.area.contains(event.target)) this.#foreignWheel = event.timeStamp; }, { signal, passive: true });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw, { signal });
    low.addEventListener("change", () => { this.#measure(); this.redraw(); }, { signal });
    this.themes = new MutationObserver(redraw);
    for (const node of [document.documentElement, document.body]) this.themes.observe(node, { attributeFilter: ["class", "data-theme", "style"] });
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(this.area);
  }

  // clip: the record; spectra, peaks, buffers: Maps by sound id that may still be filling.
  setClip(bundle, rows) {
    this.bundle = bundle;
    this.clip = bundle.data.clip;
    this.duration = bundle.duration;
    this.selection = null;
    this.head.setAttribute("aria-valuemax", number(this.duration));
    this.original = rows[0] ?? null;
    this.view = this.#firstView(rows);
    this.move();
    this.redraw();
  }

  // Wide enough for the event under every condition, so nothing moves when you switch.
  #firstView(rows) {
    if (this.own) { const { start, end } = this.own.view(this.clip); return this.#clamp(start, end); }
    const { visual_s, audio_s } = this.clip;
    if (visual_s === null && audio_s === null) return { start: 0, end: this.duration };
    const heard = rows.filter((row) => row.offset_s !== null && row.event_survives !== false && audio_s !== null).map((row) => audio_s + row.offset_s);
    const all = [visual_s, audio_s, ...heard].filter((time) => time !== null);
    return this.#clamp(Math.min(Math.min(...all) - 1, startOf(this.clip) - 0.1), Math.max(...all) + 1);
  }

  setSound(row) {
    this.row = row;
    const other = this.original && row && row.id !== this.original.id;
    const named = (one) => (one ? [el("span", { class: `cd ${CONDITIONS.has(one.condition) ? one.condition : ""}` }, glyph(one.condition), one.condition)] : []);
    replace(this.waveWords, named(row));
    this.ghostWords.textContent = other ? "original dashed" : "";
    replace(this.topWords, other ? named(row) : []);
    this.lowWords.textContent = other ? "original below" : "";
    this.redraw();
  }

  source(row) {
    return row && { peaks: this.bundle.peaks.get(row.id), buffer: this.bundle.buffers.get(row.id), spectrum: this.bundle.spectra.get(row.id) };
  }

  // ---- the window in time
  #clamp(start, end) {
    const span = Math.min(Math.max(end - start, SHORTEST_S), this.duration);
    const from = Math.min(Math.max(start, 0), this.duration - span);
    return { start: from, end: from + span };
  }

  zoom(factor, around = this.engine.position) {
    const { start, end } = this.view, inside = around >= start && around <= end;
    const centre = inside ? around : (start + end) / 2, span = (end - start) * factor;
    const share = (centre - start) / (end - start);
    this.scrollTo(centre - share * span, centre + (1 - share) * span);
  }

  scrollTo(start, end = start + this.view.end - this.view.start) { this.view = this.#clamp(start, end); this.move(); this.redraw(); }

  reveal(time_s) {
    const { start, end } = this.view;
    if (time_s < start || time_s > end) this.scrollTo(time_s - (end - start) * 0.1);
  }

  // ---- what moves with time
  move() {
    if (!this.clip) return;
    const at = this.engine.position;
    if (this.engine.playing) this.reveal(at);
    const width = this.width ?? 0, x = draw.scale(this.view, width).x(at), { start, end } = this.view;
    this.head.style.transform = `translateX(${x}px)`;
    this.head.hidden = x < -6 || x > width + 6;
    this.now.style.transform = `translateX(${(at / this.duration) * width}px)`;
    this.window.style.transform = `translateX(${(start / this.duration) * width}px)`;
    this.window.style.width = `${((end - start) / this.duration) * width}px`;
    if (this.engine.playing && this.head !== document.activeElement) return;
    this.head.setAttribute("aria-valuenow", at.toFixed(3));
    this.head.setAttribute("aria-valuetext", `${number(at)} seconds, frame ${this.engine.frame}`);
  }

  // ---- pointer
  #press(event) {
    if (event.button !== 0 || !this.clip) return;
    const box = this.area.getBoundingClientRect(), sc = draw.scale(this.view, box.width);
    const x = event.clientX - box.left, y = event.clientY - box.top, whole = (px) => (px / box.width) * this.duration;
    const drag = this.#dragFor(event, sc, x, y, whole);
    if (!drag) return;
    event.preventDefault();
    const stop = new AbortController(), { signal } = stop;
    let moved = false;
    const at = (e) => e.clientX - box.left;
    drag.start?.(x);
    document.addEventListener("pointermove", (e) => { if (moved || Math.abs(at(e) - x) > 3) { moved = true; drag.move(at(e)); } }, { signal });
    for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, (e) => { stop.abort(); if (!moved && name === "pointerup") drag.click?.(at(e)); }, { signal });
    this.#abort.signal.addEventListener("abort", () => stop.abort(), { signal });
  }

  #dragFor(event, sc, x, y, whole) {
    const { start, end } = this.view, span = end - start;
    if (y < LANES.whole) {
      const inside = whole(x) >= start && whole(x) <= end, grip = inside ? whole(x) - start : span / 2;
      return { start: (px) => { if (!inside) this.scrollTo(whole(px) - grip); }, move: (px) => this.scrollTo(whole(px) - grip) };
    }
    const seek = (px) => this.onseek(Math.min(Math.max(sc.t(px), 0), this.duration));
    if (event.target === this.head || y < LANES.whole + LANES.ruler) return { start: event.target === this.head ? null : seek, move: seek };
    if (event.shiftKey) return { move: (px) => this.select(sc.t(x), sc.t(px)), click: () => this.select(null) };
    return { move: (px) => this.scrollTo(start + (x - px) * sc.perPixel), click: seek };
  }

  select(from, to = from) {
    this.selection = from === null || Math.abs(to - from) < 0.02 ? null : { start: Math.max(Math.min(from, to), 0), end: Math.min(Math.max(from, to), this.duration) };
    this.redraw();
  }

  // The wheel zooms here, but a page that is being scrolled past the timeline keeps scrolling.
  #wheel(event) {
    if (!this.clip || event.timeStamp - this.#foreignWheel < 300) { this.#foreignWheel = event.timeStamp; return; }
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.scrollTo(this.view.start + event.deltaX * draw.scale(this.view, this.width).perPixel);
    else this.zoom(1.0015 ** event.deltaY);
  }

  // ---- drawing
  redraw() { this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.paint(); }); }

  paint() {
    const box = this.area.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    if (box.width < 1) return;
    this.colours ??= draw.readColours(this.probes, this.node);
    if (this.width !== box.width) { this.width = box.width; this.move(); }
    const w = Math.round(box.width * ratio), h = Math.round(this.height * ratio);
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const ctx = this.canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, box.width, this.height);
    const sc = draw.scale(this.view, box.width);
    this.#paintGrid(ctx, sc);
    if (this.clip) this.#paintClip(ctx, sc, ratio);
    this.own?.onview(sc);
    this.paints += 1;
  }

  #paintGrid(ctx, sc) {
    const { colours, lanes } = this;
    for (const { start, end, colour } of this.#ranges()) {
      ctx.globalAlpha = 0.12;
      ctx.fillStyle = colour;
      ctx.fillRect(sc.x(start), lanes.ruler.y, sc.x(end) - sc.x(start), this.height);
      ctx.globalAlpha = 1;
    }
    draw.ruler(ctx, lanes.ruler, sc, colours, this.height);
    for (const { y, h } of Object.values(lanes)) draw.line(ctx, colours.grid, 0, y + h - 0.5, sc.width, y + h - 0.5);
  }

  #ranges() {
    const { loop } = this.engine;
    return [this.selection && { ...this.selection, colour: this.colours.dim }, loop && { ...loop, colour: this.colours.accent }].filter(Boolean);
  }

  #paintClip(ctx, sc, ratio) {
    const { colours, lanes, row, original } = this;
    const here = this.source(row), base = this.source(original), other = row && original && row.id !== original.id;
    const gain = 1 / Math.max(draw.loudest(here), draw.loudest(base), 0.05);
    const all = here && draw.envelope({ peaks: here.peaks }, draw.scale({ start: 0, end: this.duration }, sc.width), Math.round(sc.width));
    if (all) draw.wave(ctx, lanes.whole, all, gain, colours.faint, sc.width);
    this.#paintPicture(ctx, sc);
    const env = here && draw.envelope(here, sc, Math.round(sc.width * ratio));
    if (env) draw.wave(ctx, lanes.wave, env, gain, colours.dim, sc.width);
    else draw.line(ctx, colours.faint, 0, lanes.wave.y + lanes.wave.h / 2, sc.width, lanes.wave.y + lanes.wave.h / 2, [1, 3]);
    const under = other && draw.envelope(base, sc, Math.round(sc.width));
    if (under) draw.ghost(ctx, lanes.wave, under, gain, colours.faint, sc.width);
    this.#paintSpectra(ctx, sc, here, other ? base : null);
    this.#paintSound(ctx, sc);
  }

  #paintSpectra(ctx, sc, here, base) {
    const lane = this.lanes.spectrum, half = (lane.h - 1) / 2;
    const top = base ? { y: lane.y, h: half } : lane, low = { y: lane.y + half + 1, h: half };
    if (here?.spectrum) draw.spectrum(ctx, top, here.spectrum, this.duration, sc, this.colours.ink, this.#scratch);
    if (!base) return;
    if (base.spectrum) draw.spectrum(ctx, low, base.spectrum, this.duration, sc, this.colours.ink, this.#scratch);
    draw.line(ctx, this.colours.tick, 0, lane.y + half + 0.5, sc.width, lane.y + half + 0.5);
  }

  #paintPicture(ctx, sc) {
    const { colours, lanes: { picture }, clip, bundle: { table } } = this;
    const perFrame = this.duration / Math.max(table.count, 1) / sc.perPixel;
    for (let i = table.at(sc.view.start); perFrame >= 5 && i < table.count && table.time(i) <= sc.view.end; i += 1) {
      const x = Math.round(sc.x(table.time(i))) + 0.5;
      draw.line(ctx, colours.tick, x, picture.y + picture.h - 6, x, picture.y + picture.h - 1);
      if (perFrame < 40) continue;
      Object.assign(ctx, { font: colours.font, fillStyle: colours.faint, textAlign: "left", textBaseline: "alphabetic" });
      ctx.fillText(String(i), x + 3, picture.y + picture.h - 3);
    }
    if (clip.visual_s === null || this.own) return;
    draw.mark(ctx, picture, sc.x(clip.visual_s), colours.ink, "dot", colours.paper);
    draw.label(ctx, number(clip.visual_s), sc.x(clip.visual_s), picture.y + 15, "left", { ...colours, font: colours.bold }, sc.width, colours.ink);
  }

  #paintSound(ctx, sc) {
    if (this.own) { this.#paintLag(ctx, sc); return; }
    const { colours, lanes: { sound, wave }, clip: { audio_s }, row } = this;
    if (audio_s === null || !row) return;
    const x = sc.x(audio_s), middle = sound.y + sound.h / 2, own = colours[row.condition] ?? colours.ink;
    const same = row.condition === "original", moved = row.offset_s !== null && row.offset_s !== 0;
    draw.mark(ctx, sound, x, same ? colours.ink : colours.dim, same ? "dot" : "ring", colours.paper);
    draw.label(ctx, number(audio_s), x, middle, moved && row.offset_s < 0 ? "right" : "left", { ...colours, font: same ? colours.bold : colours.font }, sc.width, same ? colours.ink : null);
    if (row.condition === "muted") draw.label(ctx, "not in this sound", x, middle, "right", colours, sc.width);
    else if (row.event_survives === false) draw.label(ctx, "leaves the clip in this sound", x, middle, "right", colours, sc.width);
    else if (row.condition === "swapped") {
      draw.mark(ctx, sound, x, own, "dot", colours.paper);
      draw.label(ctx, `${row.asked} placed here`, x, middle, "right", colours, sc.width);
    } else if (moved) {
      const heard = sc.x(audio_s + row.offset_s);
      draw.mark(ctx, sound, heard, own, "dot", colours.paper);
      draw.label(ctx, `heard ${number(audio_s + row.offset_s)}`, heard, middle, row.offset_s < 0 ? "left" : "right", { ...colours, font: colours.bold }, sc.width, own);
      draw.bracket(ctx, x, heard, wave.y + 9, `${signed(row.offset_s)} s`, colours);
    }
  }

  // From where the page says that the original is heard to where it is in the sound that plays.
  #paintLag(ctx, sc) {
    const { row, lag, lanes: { wave } } = this;
    if (lag === null || !row?.offset_s) return;
    draw.bracket(ctx, sc.x(lag), sc.x(lag + row.offset_s), wave.y + 9, `${signed(row.offset_s)} s`, this.colours);
  }

  destroy() {
    this.#abort.abort();
    this.forget();
    this.themes.disconnect();
    this.sizes.disconnect();
    cancelAnimationFrame(this.#frame);
  }
}
