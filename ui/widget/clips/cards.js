// One clip as a card or as a table row; the small waveform is fetched when the card comes into view.
import { el, seconds, number } from "../base/dom.js";
import { icon } from "../base/icons.js";

export const ORDER = ["original", "early", "delayed", "muted", "swapped"];
export const clipUrl = (id) => `/clips?clip=${encodeURIComponent(id)}`;
const COLUMNS = 160;

// {glyph, word, cls} of the whole clip: never colour alone.
export function statusOf(card) {
  const sum = (key) => card.conditions.reduce((total, c) => total + c[key], 0);
  if (card.damage.length) return { glyph: "x", cls: "bad", word: /short/.test(card.damage[0]) ? "cut short" : "damaged", more: card.damage.join(" ") };
  if (sum("failed")) return { glyph: "x", cls: "bad", word: `${sum("failed")} failed` };
  if (sum("refused")) return { glyph: "alert", cls: "warn", word: `${sum("refused")} refused` };
  if (!card.has_sound) return { glyph: "muted", cls: "t3", word: "no sound" };
  if (card.state === "waiting") return { glyph: "clock", cls: "t3", word: "no times" };
  if (sum("verified")) return { glyph: "check", cls: "t3", word: `${sum("verified")} verified` };
  return { glyph: "dash", cls: "t3", word: "not built" };
}

function glyph(card, name) {
  const c = card.conditions.find((each) => each.condition === name) ?? { verified: 0, refused: 0, failed: 0 };
  const says = c.failed ? `${c.failed} failed` : c.refused ? `${c.refused} refused` : c.verified ? `${c.verified} verified` : "not built";
  const look = c.failed || c.refused ? "no" : c.verified ? "" : "wait";
  return el("span", { class: `cgl ${name} ${look}`, title: `${name}: ${says}` }, icon(name), el("span", { class: "sr" }, `${name} ${says}, `));
}
const glyphs = (card) => ORDER.map((name) => glyph(card, name));

function status(card) {
  const { glyph: name, cls, word, more } = statusOf(card);
  return el("span", { class: `st ${cls}`, title: more ?? null }, icon(name, "s"), word);
}

export function makeCard(card) {
  const mini = el("span", { class: "mini", "aria-hidden": "true" });
  if (card.audio_s !== null) mini.append(el("i", { class: "evt", style: { left: `${(100 * card.audio_s) / card.duration_s}%` } }));
  const picture = el("span", { class: "scene" },
    card.thumb ? el("img", { src: card.thumb, alt: "", loading: "lazy", decoding: "async", draggable: "false" }) : null,
    el("span", { class: "tag dur" }, `${number(card.duration_s, 1)} s`));
  const link = el("a", { class: "card", href: clipUrl(card.id), tabindex: "-1", "data-id": card.id },
    picture, mini,
    el("span", { class: "cb" },
      el("b", { class: "clip", title: card.title }, card.title || card.name),
      el("span", { class: "row" }, el("span", { class: "mono t3 clip" }, card.name), el("span", { class: "sp" }),
        el("span", { class: "sm" }, seconds(card.audio_s))),
      el("span", { class: "row sm" }, ...glyphs(card), el("span", { class: "sp" }), status(card))));
  return el("li", { class: "cell" }, link);
}

export function makeRow(card) {
  const n = (value) => el("td", { class: "num" }, number(value));
  return el("tr", { class: "cell" },
    el("td", { class: "stick" }, el("a", { class: "card-row", href: clipUrl(card.id), tabindex: "-1", "data-id": card.id },
      el("b", {}, card.title || card.name), el("span", { class: "mono t3" }, card.name))),
    el("td", { class: "t2" }, card.kind || "–"), el("td", { class: "num" }, number(card.duration_s, 1)),
    n(card.visual_s), n(card.audio_s), el("td", { class: "t2" }, card.times_from ?? "none yet"),
    el("td", {}, el("span", { class: "row g3" }, ...glyphs(card))), el("td", {}, status(card)));
}

export const tableHead = () => el("thead", {}, el("tr", {}, ...[
  ["clip", "stick"], ["sound", ""], ["length, s", "num"], ["picture event, s", "num"], ["sound event, s", "num"], ["times from", ""],
  ["soundtracks", ""], ["check", ""],
].map(([word, cls]) => el("th", { class: cls, scope: "col" }, word))));

// int8 pairs (min, max), 1000 a second -> an SVG path of `COLUMNS` bars; the theme colours it.
export function wavePath(pairs) {
  const count = pairs.length / 2;
  const columns = Math.min(COLUMNS, count);
  const top = [], bottom = [];
  for (let i = 0; i < columns; i += 1) {
    let low = 0, high = 0;
    const end = Math.floor(((i + 1) * count) / columns);
    for (let k = Math.floor((i * count) / columns); k < end; k += 1) {
      low = Math.min(low, pairs[2 * k]);
      high = Math.max(high, pairs[2 * k + 1]);
    }
    const x = ((i * 1000) / columns).toFixed(0);
    top.push(`${x},${(50 - high * 0.39 - 0.8).toFixed(1)}`);
    bottom.push(`${x},${(50 - low * 0.39 + 0.8).toFixed(1)}`);
  }
  return columns ? `M${top.join(" ")} ${bottom.reverse().join(" ")}Z` : "";
}

const SVG = "http://www.w3.org/2000/svg";
export async function drawWave(cell, card, signal) {
  const mini = cell.querySelector(".mini");
  if (!mini || !card.peaks) return;
  let response;
  try { response = await fetch(card.peaks, { signal }); } catch { return; } // a card without its waveform is still a card
  if (!response.ok) return;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "wf");
  svg.setAttribute("viewBox", "0 0 1000 100");
  svg.setAttribute("preserveAspectRatio", "none");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", wavePath(new Int8Array(await response.arrayBuffer())));
  svg.append(path);
  mini.prepend(svg);
}
