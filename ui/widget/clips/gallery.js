// The gallery: filter rail, counts, the note about clips that need a look, the list, and the empty workspace.
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { anyFilter, needsLook, noFilter, select } from "../base/filters.js";
import { ClipList } from "./list.js";
import { makeRail } from "./rail.js";

const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

export function summary(cards) {
  const timed = cards.filter((card) => card.audio_s !== null || card.visual_s !== null).length;
  const verified = cards.reduce((total, card) => total + card.conditions.reduce((sum, c) => sum + c.verified, 0), 0);
  return `${plural(cards.length, "clip")}, ${timed} with event times, ${verified} stimuli verified`;
}

function lookNote(cards, on, show) {
  const odd = cards.filter(needsLook);
  if (!odd.length) return null;
  const damaged = odd.filter((card) => card.damage.length).length;
  const failed = odd.filter((card) => !card.damage.length && card.conditions.some((c) => c.failed)).length;
  const refused = odd.length - damaged - failed;
  const parts = [
    refused && `in ${refused}, an edit would push the sound out of the clip or was refused for another reason`,
    failed && `in ${failed}, a soundtrack did not pass its proof`, damaged && `in ${damaged}, the file is damaged`,
  ].filter(Boolean).join("; ");
  return el("div", { class: "note warn" }, icon("alert"),
    el("span", {}, el("b", {}, `${plural(odd.length, "clip")} ${odd.length === 1 ? "needs" : "need"} a look. `),
      `${parts.charAt(0).toUpperCase()}${parts.slice(1)}. `,
      el("button", { class: "linky", "aria-pressed": String(on), onclick: show }, on ? "Show all again" : "Show only these")));
}

function emptyWorkspace({ onadd, ondemo }, making) {
  return el("div", { class: "panel empty first-steps" }, el("h2", {}, "No clips yet"),
    el("p", { class: "sm" }, "Drop files or a folder here: mp4, mov, mkv, webm, avi, or a CSV of paths. They are read, not changed."),
    el("div", { class: "row" }, el("button", { class: "btn p", onclick: onadd }, "Add clips…"),
      el("button", { class: "btn", onclick: ondemo }, "Make 24 demo clips")),
    el("p", { class: "sm t3" }, "Demo clips are synthesised, so their event times are exact."), making);
}

function viewSwitch(choose) {
  const buttons = ["grid", "table"].map((view) =>
    el("button", { type: "button", role: "radio", "data-view": view, onclick: () => choose(view) }, view === "grid" ? "Grid" : "Table"));
  const node = el("div", { class: "seg s", role: "radiogroup", "aria-label": "Show the clips as" }, ...buttons);
  node.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = buttons.find((button) => button !== document.activeElement);
    other.focus();
    choose(other.dataset.view);
  });
  const set = (view) => buttons.forEach((button) => {
    button.setAttribute("aria-checked", String(button.dataset.view === view));
    button.tabIndex = button.dataset.view === view ? 0 : -1;
  });
  return { node, set };
}

// does: {onopen(id), onbuild(ids|null), onplace(ids|null), onadd(), ondemo(), onfilters(filters)}
export class Gallery {
  constructor({ signal, filters, ...does }) {
    Object.assign(this, { does, filters, cards: [], chosen: [], drawn: false });
    this.list = new ClipList({ signal, onopen: does.onopen });
    this.rail = makeRail({ onchange: (next) => this.change(next) });
    this.views = viewSwitch((view) => this.change({ ...this.filters, view }));
    this.lead = el("span", { class: "t2 lead" });
    this.note = el("div", { class: "notes" });
    this.none = el("div", { class: "panel empty", hidden: true }, el("h2", {}, "No clip matches"),
      el("p", { class: "sm" }, "The filters together let nothing through."), el("button", { class: "btn", onclick: () => this.change(null) }, "Clear the filters"));
    this.full = el("div", { class: "ga" }, this.rail.node,
      el("section", { class: "col g12", "aria-label": "Clips" }, this.head(), this.note, this.none, this.list.node));
    this.making = el("p", { class: "st", role: "status", hidden: true });
    this.empty = emptyWorkspace(does, this.making);
    this.node = el("div", { class: "gallery" });
  }

  head() {
    this.build = el("button", { class: "btn p makes", title: "Build soundtracks (b)", onclick: () => this.does.onbuild(this.scope()) }, "Build soundtracks…");
    this.narrow = el("button", { class: "btn only-narrow", "aria-expanded": "false", "aria-controls": "rail", onclick: () => this.openRail() }, "Filter");
    return el("div", { class: "head" }, el("h1", {}, "Clips"), this.lead, el("span", { class: "sp" }), this.narrow, this.views.node,
      el("button", { class: "btn makes", title: "Add clips (a)", onclick: this.does.onadd }, "Add clips…"),
      el("button", { class: "btn makes", title: "Place event times (e)", onclick: () => this.does.onplace(this.scope()) }, "Place event times…"), this.build);
  }

  openRail() {
    const open = this.rail.node.classList.toggle("open");
    this.narrow.setAttribute("aria-expanded", String(open));
    if (open) this.rail.focus();
  }

  focusFilter() {
    if (this.narrow.offsetParent && !this.rail.node.classList.contains("open")) this.openRail();
    else this.rail.focus();
  }

  change(next) {
    this.filters = next ?? noFilter(this.filters.view);
    this.does.onfilters(this.filters);
    this.draw();
  }

  // The ids that a build is for: null for all, else what the filter lets through.
  scope() { return anyFilter(this.filters) ? this.order() : null; }
  order() { return this.chosen.map((card) => card.id); }
  shown() { return this.list.shown; }
  toggleView() { this.change({ ...this.filters, view: this.filters.view === "grid" ? "table" : "grid" }); }

  // A run that adds clips is at work: an empty gallery says so, and that it need not be touched.
  setMaking(title) {
    this.making.hidden = !title;
    replace(this.making, ...(title ? [icon("clock"), `${title}: at work. The clips show here as they come.`] : []));
  }

  setCards(next) {
    const old = new Map(this.cards.map((card) => [card.id, card]));
    // an unchanged card keeps its object, and with it its drawn node
    this.cards = next.map((card) => { const was = old.get(card.id); return was && JSON.stringify(was) === JSON.stringify(card) ? was : card; });
    this.draw(this.list.shown);
  }

  setFilters(next, atLeast = 0) {
    const same = this.drawn && JSON.stringify(next) === JSON.stringify(this.filters);
    if (same && this.list.shown >= Math.min(atLeast, this.chosen.length)) return;
    this.filters = next;
    this.draw(atLeast);
  }

  draw(atLeast = 0) {
    const { cards, filters } = this;
    this.drawn = true;
    this.chosen = select(cards, filters);
    if (!cards.length) { replace(this.node, this.empty); return; }
    if (this.full.parentNode !== this.node) replace(this.node, this.full);
    this.rail.update(cards, filters);
    this.views.set(filters.view);
    this.lead.textContent = this.chosen.length === cards.length ? summary(cards) : `${this.chosen.length} of ${plural(cards.length, "clip")}`;
    replace(this.note, lookNote(cards, filters.look, () => this.change({ ...filters, look: !filters.look })));
    this.narrow.textContent = anyFilter(filters) ? "Filter (on)" : "Filter";
    this.none.hidden = this.chosen.length > 0;
    this.build.setAttribute("aria-disabled", String(this.chosen.length === 0));
    this.list.draw(this.chosen, filters.view, atLeast);
  }
}
