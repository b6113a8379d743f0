// The clips as a grid or a table: drawn a screenful at a time, waveforms when seen, focus moved by the arrows.
import { el, replace } from "../base/dom.js";
import { drawWave, makeCard, makeRow, tableHead } from "./cards.js";
import { preview } from "./preview.js";

const CHUNK = 60;
const WAVES_AT_ONCE = 4;

export class ClipList {
  constructor({ signal, onopen }) {
    Object.assign(this, { signal, onopen, cards: [], view: "grid", shown: 0, box: null, current: null });
    this.built = { grid: new WeakMap(), table: new WeakMap() };
    this.waves = new Waves(signal);
    this.inner = el("div", { class: "list" });
    this.foot = el("p", { class: "t3 sm foot", role: "status" });
    this.sentinel = el("div", { class: "sentinel", "aria-hidden": "true" });
    this.node = el("div", { class: "col g12" }, this.inner, this.sentinel, this.foot);
    this.more = new IntersectionObserver((entries) => { if (entries.some((e) => e.isIntersecting)) this.grow(CHUNK); }, { rootMargin: "900px" });
    this.more.observe(this.sentinel);
    signal.addEventListener("abort", () => this.more.disconnect());
    this.inner.addEventListener("focusin", (event) => { const link = event.target.closest("[data-id]"); if (link) this.mark(link); });
    this.inner.addEventListener("click", (event) => this.clicked(event));
    preview(this.inner, { signal });
  }

  // Shows `cards` from the top, at least `atLeast` of them at once (to come back to a place far down).
  draw(cards, view, atLeast = 0) {
    const keep = this.current;
    Object.assign(this, { cards, view, shown: 0 });
    this.box = view === "grid" ? el("ul", { class: "cards" }) : el("tbody");
    replace(this.inner, view === "grid" ? this.box : el("div", { class: "tw panel" }, el("table", { class: "clips-table" }, tableHead(), this.box)));
    this.grow(Math.max(CHUNK, atLeast));
    this.foot.hidden = cards.length === 0;
    const links = this.links();
    this.mark(links.find((link) => link.dataset.id === keep) ?? links[0] ?? null);
  }

  grow(count) {
    if (!this.box || this.shown >= this.cards.length) return;
    this.box.append(...this.cards.slice(this.shown, this.shown + count).map((card) => this.cellOf(card)));
    this.shown = Math.min(this.cards.length, this.shown + count);
    const all = this.shown >= this.cards.length;
    this.foot.textContent = all ? "" : `${this.shown} of ${this.cards.length} shown; more load as you scroll`;
    this.sentinel.hidden = all;
    // the sentinel may still be in view: ask again, because an observer speaks only about changes
    if (!all) { this.more.unobserve(this.sentinel); this.more.observe(this.sentinel); }
  }

  cellOf(card) {
    const held = this.built[this.view];
    if (!held.has(card)) {
      held.set(card, this.view === "grid" ? makeCard(card) : makeRow(card));
      if (this.view === "grid") this.waves.watch(held.get(card), card);
    }
    return held.get(card);
  }

  clicked(event) {
    const link = event.target.closest("[data-id]") ?? event.target.closest("tr.cell")?.querySelector("[data-id]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.onopen(link.dataset.id);
  }

  links() { return [...this.inner.querySelectorAll("[data-id]")]; }

  // One card is in the tab order: the one that was last used.
  mark(link) {
    this.inner.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    link?.setAttribute("tabindex", "0");
    this.current = link?.dataset.id ?? null;
  }

  focusOn(index) {
    const at = Math.max(0, Math.min(this.cards.length - 1, index));
    if (at >= this.shown) this.grow(at - this.shown + CHUNK);
    const link = this.links()[at];
    if (!link) return;
    link.focus();
    link.scrollIntoView({ block: "nearest" });
  }

  focusCard(id) {
    const at = this.cards.findIndex((card) => card.id === id);
    if (at >= 0) this.focusOn(at);
  }

  columns() {
    if (this.view === "table") return 1;
    const all = [...this.box.children];
    const wrapped = all.findIndex((cell) => cell.offsetTop !== all[0].offsetTop);
    return wrapped < 0 ? all.length : wrapped;
  }

  // by: "left" | "right" | "up" | "down" | "home" | "end". The first press goes to the card that was left.
  move(by) {
    if (!this.cards.length) return;
    const at = Math.max(0, this.cards.findIndex((card) => card.id === this.current));
    if (!this.inner.contains(document.activeElement)) { this.focusOn(at); return; }
    const last = this.cards.length - 1, columns = this.columns();
    const next = { left: at - 1, right: at + 1, up: at - columns, down: at + columns, home: 0, end: last }[by];
    if (next >= 0 && next <= last) this.focusOn(next);
  }
}

// Waveforms of the cells that come into view, a few at a time.
class Waves {
  constructor(signal) {
    Object.assign(this, { signal, waiting: [], drawing: 0, cards: new WeakMap() });
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        this.seen.unobserve(entry.target);
        this.waiting.push(entry.target);
      }
      this.next();
    }, { rootMargin: "200px" });
    signal.addEventListener("abort", () => this.seen.disconnect());
  }

  watch(cell, card) {
    this.cards.set(cell, card);
    this.seen.observe(cell);
  }

  next() {
    while (this.drawing < WAVES_AT_ONCE && this.waiting.length) {
      const cell = this.waiting.shift();
      this.drawing += 1;
      drawWave(cell, this.cards.get(cell), this.signal).finally(() => { this.drawing -= 1; this.next(); });
    }
  }
}
