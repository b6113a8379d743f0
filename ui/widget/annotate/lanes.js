// The lanes of picture and sound over the timeline's canvas: a fixed row per annotator with a band of tolerance and a marker, and the
// person's own two marks as sliders. Placed anew after each painting; asks to move, never moves anything itself.
import { shape } from "../base/annotators.js";
import { el, number, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { apart } from "./marks.js";

const EDGE = 8;          // from the lane's border to the middle of its first row
const STEP = 14;
const LANES = { picture: { key: "visual_s", name: "picture" }, sound: { key: "audio_s", name: "sound" } };

// onmove(lane, time_s, {began, done}): the slider is dragged; onstep(lane, steps): an arrow was pressed on it. snap(lane, time_s).
export class Lanes {
  constructor(timeline, { onmove, onstep }) {
    Object.assign(this, { timeline, onmove, onstep, sc: null, rows: [], draft: null, tolerance: { picture: 0.8, sound: 0.5 } });
    this.lanes = Object.fromEntries(Object.keys(LANES).map((lane) => [lane, this.#lane(lane)]));
    timeline.area.append(...Object.values(this.lanes).map((each) => each.node));
  }

  #lane(lane) {
    const tag = el("span", { class: "tagx", role: "slider", tabindex: "0", "aria-label": `Your ${lane} time`, "aria-valuemin": "0", onkeydown: (event) => this.#arrow(event, lane) }, el("b", {}, "You"), " ", this[`${lane}Words`] = el("span"));
    const band = el("i", { class: "band human" }), line = el("i", { class: "hl" }), mark = el("span", { class: "mk human" }, shape("human"));
    const models = el("div", { class: "models" }), hint = el("span", { class: "tagh" }), hidden = el("span", { class: "tagr" });
    const node = el("div", { class: `lane ${lane}`, role: "group", "aria-label": `Marks of the ${lane}` }, models, band, line, mark, tag, hint, hidden);
    for (const grip of [tag, mark]) grip.addEventListener("pointerdown", (event) => this.#grab(event, lane));
    return { node, models, band, line, mark, tag, hint, hidden, placed: [] };
  }

  #arrow(event, lane) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.onstep(lane, by * (event.shiftKey ? 10 : 1));
  }

  #grab(event, lane) {
    if (event.button !== 0 || !this.sc) return;
    event.preventDefault();
    event.stopPropagation();
    const { tag } = this.lanes[lane], began = this.draft, left = this.timeline.area.getBoundingClientRect().left;
    const grip = event.clientX - left - this.sc.x(began[LANES[lane].key]), stop = new AbortController(), { signal } = stop;
    tag.focus({ preventScroll: true });
    const to = (e, done) => this.onmove(lane, this.sc.t(e.clientX - left - grip), { began, done });
    let moved = false;
    document.addEventListener("pointermove", (e) => { moved = true; to(e, false); }, { signal });
    for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, (e) => { stop.abort(); if (moved && name === "pointerup") to(e, true); }, { signal });
  }

  // rows: who has which row; draft: the person's own times; hidden: how many marks are not shown yet; hints: {picture, sound}: nodes
  // to stand where nothing is placed.
  show({ rows, draft, hidden, hints, tolerance, frame }) {
    Object.assign(this, { draft, tolerance });
    for (const [lane, { key, name }] of Object.entries(LANES)) {
      const parts = this.lanes[lane], here = lane === "sound" ? rows.filter((row) => row.hears) : rows;
      const yours = draft[key], heights = this.#heights(lane, here.length + 1);
      parts.placed = here.map((row, index) => ({ row, y: heights[index], at_s: row.mark?.[key] ?? null })).filter((one) => one.at_s !== null).map((one) => ({ ...one, ...this.#marker(one, yours, lane) }));
      replace(parts.models, parts.placed.flatMap(({ band, mark, far }) => [band, mark, far]));
      parts.y = heights.at(-1);
      const set = yours !== null;
      for (const part of [parts.band, parts.line, parts.mark, parts.tag]) part.hidden = !set;
      replace(parts.hint, set ? [] : hints[lane]);
      parts.hint.hidden = set;
      parts.hint.style.top = `${parts.y}px`;
      parts.hidden.hidden = !(hidden > 0) || lane === "sound";
      replace(parts.hidden, icon("hide"), `${hidden} model ${hidden === 1 ? "mark" : "marks"} hidden until you have set both times`);
      if (!set) continue;
      this[`${lane}Words`].textContent = number(yours);
      parts.tag.setAttribute("aria-valuenow", yours.toFixed(3));
      parts.tag.setAttribute("aria-valuemax", this.timeline.duration.toFixed(3));
      parts.tag.setAttribute("aria-valuetext", `${number(yours)} seconds${name === "picture" ? `, frame ${frame}` : ""}`);
    }
    this.place(this.sc);
  }

  #heights(lane, count) {
    const { h } = this.timeline.lanes[lane], step = Math.min(STEP, (h - 2 * EDGE) / Math.max(count - 1, 1));
    return Array.from({ length: count }, (_, index) => EDGE + index * step);
  }

  #marker({ row, at_s, y }, yours, lane) {
    const { by_s, far } = apart(at_s, yours, this.tolerance[lane]);
    const says = `${row.label}, ${lane} ${number(at_s)} s`;
    const words = far && el("span", { class: "tagy", style: { top: `${y}px` } }, `${row.label} ${number(Math.abs(by_s))} s ${by_s > 0 ? "later" : "earlier"}`);
    return { band: el("i", { class: `band ${row.look}`, style: { top: `${y}px` } }), mark: el("span", { class: `mk ${row.look}`, style: { top: `${y}px` }, title: says }, shape(row.look)), far: words || null };
  }

  // sc: the scale of what is painted now.
  place(sc) {
    if (!sc || !this.draft) return;
    this.sc = sc;
    for (const [lane, { key }] of Object.entries(LANES)) {
      const parts = this.lanes[lane], { y, h } = this.timeline.lanes[lane], width = this.tolerance[lane] / sc.perPixel;
      Object.assign(parts.node.style, { top: `${y}px`, height: `${h}px` });
      for (const { at_s, band, mark, far } of parts.placed) {
        const x = sc.x(at_s);
        span(band, x - width / 2, width);
        shift(mark, x);
        if (far) besides(far, x, width, sc.width);
      }
      if (this.draft[key] === null) continue;
      const x = sc.x(this.draft[key]);
      span(parts.band, x - width / 2, width);
      for (const part of [parts.mark, parts.line]) shift(part, x);
      for (const part of [parts.band, parts.mark, parts.tag]) part.style.top = `${parts.y}px`;
      besides(parts.tag, Math.min(Math.max(x, 0), sc.width), width, sc.width);
    }
  }
}

const shift = (node, x) => { node.style.transform = `translateX(${x}px)`; };
const span = (node, x, width) => { shift(node, x); node.style.width = `${width}px`; };

// Words stand left of a band, or right of it where the left has no room, or at the marker where neither has.
function besides(node, x, width, room) {
  const long = node.textContent.length * 6.5 + 14, left = x - width / 2 - 6, right = x + width / 2 + 6;
  const [at, side] = left - long >= 0 ? [left, "left"] : right + long <= room ? [right, "right"] : x > long + 14 ? [x - 10, "left"] : [x + 10, "right"];
  shift(node, at);
  node.classList.toggle("to-left", side === "left");
}
