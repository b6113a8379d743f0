// Under the build dialog's rows: the donors each clip would get, and one clip built now to listen to before the batch.
import { post } from "../base/api.js";
import { clipUrl } from "./cards.js";
import { el, replace, set } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { fail } from "../base/toast.js";

const SHOWN = 100;
const BEFORE_S = 1.5;
const REASONS = ["too similar", "unrelated", "poor sound"];

export function donorTable(donors, cards, { onrejected }) {
  const named = (id) => cards.find((card) => card.id === id);
  const cell = (card, id) => el("td", {}, el("span", { class: "mono" }, card?.name ?? id), el("span", { class: "t3" }, card ? `  ${card.kind}` : ""));
  const rows = donors.slice(0, SHOWN).map(({ clip, donor }) => {
    const choice = el("select", { class: "in s", "aria-label": `Reject this donor for ${named(clip)?.name ?? clip}`, onchange: async () => {
      if (!choice.value) return;
      choice.disabled = true;
      try { await post("/api/donors/reject", { clip, donor, reason: choice.value }); onrejected(); } catch (error) { fail(error); choice.disabled = false; }
    } }, el("option", { value: "" }, "Reject…"), ...REASONS.map((reason) => el("option", { value: reason }, reason)));
    return el("tr", {}, cell(named(clip), clip), el("td", {}, el("span", { class: "cd swapped" }, icon("swapped"))), cell(named(donor), donor), el("td", { class: "num" }, choice));
  });
  const table = el("table", { class: "c" }, el("thead", {}, el("tr", {}, el("th", {}, "clip"), el("th", {}), el("th", {}, "would hear"), el("th", {}))), el("tbody", {}, ...rows));
  return [el("h3", {}, "Donors"), donors.length ? el("div", { class: "tw limit" }, table) : el("p", { class: "sm t3" }, "No clip gets a donor with these settings."),
    donors.length > SHOWN ? el("p", { class: "sm t3" }, `and ${donors.length - SHOWN} more`) : null];
}

function player(signal) {
  const audio = new Audio();
  let owner = null;
  const mark = (button, on) => { replace(button, icon(on ? "pause" : "play")); button.setAttribute("aria-pressed", String(on)); };
  const stop = () => { audio.pause(); if (owner) mark(owner, false); owner = null; };
  audio.addEventListener("ended", stop);
  audio.addEventListener("error", () => { if (owner) fail(new Error("This sound could not be played.")); stop(); });
  signal.addEventListener("abort", stop);
  return (button, url, from) => {
    if (owner === button) { stop(); return; }
    stop();
    owner = button;
    mark(button, true);
    audio.src = url;
    audio.addEventListener("loadedmetadata", () => { if (from < audio.duration) audio.currentTime = from; }, { once: true });
    audio.play().catch(stop);
  };
}

// {cards, settings(), onopen(id), signal} -> the preview's nodes; it builds at once for the first clip.
export function tryPanel({ cards, settings, onopen, signal }) {
  const play = player(signal);
  const choice = el("select", { class: "in s", "aria-label": "Clip to try on" }, ...cards.slice(0, SHOWN).map((card) => el("option", { value: card.id }, `${card.name}, ${card.title || card.kind}`)));
  const out = el("div", { "aria-live": "polite" });
  const again = el("button", { class: "btn s", onclick: build }, "Build again");
  choice.addEventListener("change", build);

  async function build() {
    const card = cards.find((each) => each.id === choice.value);
    again.disabled = true;
    replace(out, el("p", { class: "sm t3" }, "Building on this one clip…"));
    try {
      const { sounds } = await post("/api/build/try", { clip: card.id, settings: settings() });
      if (!signal.aborted) replace(out, listOf(card, sounds));
    } catch (error) {
      replace(out, el("p", { class: "sm bad", role: "alert" }, error.message));
    }
    again.disabled = false;
  }

  function listOf(card, sounds) {
    const from = Math.max(0, (card.visual_s ?? card.audio_s ?? 0) - BEFORE_S);
    return el("ul", { class: "sounds" }, ...sounds.map((sound) => {
      const button = el("button", { class: "btn s i", "aria-pressed": "false", "aria-label": `Play ${sound.condition}, ${sound.asked}` }, icon("play"));
      set(button, { onclick: () => play(button, sound.people, from), disabled: !sound.people });
      return el("li", { class: "row" }, button, el("span", { class: `cd bl ${sound.condition}` }, icon(sound.condition), sound.condition),
        el("span", { class: "t2 nw" }, sound.asked), el("span", { class: "t3 sm clip" }, sound.words));
    }));
  }
  if (cards.length) build();
  const page = el("a", { class: "sm", href: cards.length ? clipUrl(cards[0].id) : "#", onclick: (event) => { event.preventDefault(); onopen(choice.value); } }, "Open the clip’s page");
  return cards.length ? [el("div", { class: "row w" }, el("h3", {}, "On one clip"), choice, again, el("span", { class: "sp" }), page), out]
    : [el("p", { class: "sm t3" }, "There is no clip to try on.")];
}
