// The table of soundtracks: what was asked against what was measured in the written file; a row switches the sound.
import { el, number, replace, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { CONDITIONS, glyph } from "../sound/player.js";

const SVG = "http://www.w3.org/2000/svg";
const HEADS = [["condition", "stick"], ["asked"], ["sound"], ["asked lag, s", "num"], ["measured, s", "num"], ["off, samples", "num"], ["r with source", "num"],
  ["residual", "num"], ["picture hash", "hash"], ["bytes, 16 kHz", "num"], ["check"], ["note", "w2"]];
const grouped = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, " ");
const short = (hash) => (hash ? `${hash.slice(0, 4)}…${hash.slice(-4)}` : "–");
const FOOT = "The picture hash covers packets, times and codec parameters: one value for all rows means nobody can tell the conditions apart by picture. "
  + "Equal bytes means nobody can by file size. For swapped, r is with the donor and residual is r with the source.";

export class Proof {
  constructor({ onselect, onreject, onbuild }) {
    Object.assign(this, { onselect, onreject, onbuild });
    this.counts = el("span", { class: "row" });
    this.csv = el("button", { class: "btn s", type: "button", onclick: () => this.#download() }, icon("down"), "CSV");
    this.body = el("tbody");
    this.table = el("table", { class: "pt2" }, el("thead", {}, el("tr", {}, HEADS.map(([text, cls]) => el("th", { class: cls ?? "", scope: "col" }, text)))), this.body);
    this.wrap = el("div", { class: "tw", tabindex: "0", role: "region", "aria-label": "Soundtracks and their proof, table" }, this.table);
    this.empty = el("div", { class: "empty", hidden: true }, el("p", {}, "Nothing is built for this clip yet. Build soundtracks, and each one is listed here with its proof."),
      el("button", { class: "btn makes", type: "button", onclick: () => this.onbuild() }, "Build soundtracks…"));
    this.foot = el("div", { class: "pf sm t3" }, FOOT);
    this.node = el("section", { class: "panel", "aria-label": "Soundtracks and their proof" },
      el("div", { class: "ph" }, el("h2", {}, "Soundtracks and their proof"), el("span", { class: "t3 sm w2" }, "what was asked against what was measured in the written file"),
        el("span", { class: "sp" }), this.counts, this.csv), this.wrap, this.empty, this.foot);
  }

  wait() {
    replace(this.counts);
    this.data = null;
    this.#mode(true);
    replace(this.body, Array.from({ length: 7 }, () => el("tr", {}, HEADS.map(([, cls]) => el("td", { class: cls ?? "" }, el("div", { class: "sk" }))))));
  }

  #mode(full) { this.wrap.hidden = this.foot.hidden = !full; this.empty.hidden = full; this.csv.hidden = !full; }

  show(bundle) {
    this.data = bundle.data;
    const { sounds, refused } = bundle.data, built = sounds.filter((row) => row.proof);
    this.#mode(built.length + refused.length > 0);
    const failed = built.filter((row) => row.proof.verdict !== "verified").length;
    replace(this.counts, built.length > 0 && chip("", "check", built.length - failed, "verified"), failed > 0 && chip("bad", "x", failed, "failed"), refused.length > 0 && chip("warn", "alert", refused.length, "refused"));
    this.lines = new Map(built.map((row) => [row.id, this.#row(row)]));
    replace(this.body, [...this.lines.values()].map((line) => line.tr), refused.map(refusedRow));
    for (const row of built) this.wave(row.id, bundle.peaks.get(row.id));
  }

  #row(row) {
    const { proof } = row, wave = el("div", {}, row.peaks ? null : el("span", { class: "t3 xs" }, "no sound stream")), good = proof.verdict === "verified";
    const name = el("button", { class: `cd ${CONDITIONS.has(row.condition) ? row.condition : ""}`, type: "button", "aria-pressed": "false", title: `Hear ${row.condition}, ${row.asked}` }, glyph(row.condition), row.condition);
    const note = [...proof.reasons, ...proof.notes].join("; ");
    const asked = [row.asked, row.donor && el("button", { class: "btn q s", type: "button", onclick: (event) => { event.stopPropagation(); this.onreject(row); } }, "Reject…")];
    const figures = [signedLag(proof.asked_offset_s), signedLag(proof.offset_s), proof.error_samples === null ? "–" : grouped(proof.error_samples).replace("-", "−"), number(proof.correlation), residual(row)];
    const tr = el("tr", { onclick: () => this.onselect(row.id) }, el("td", { class: "stick" }, name), el("td", { class: "t2" }, el("span", { class: "row" }, asked)), el("td", { class: "wvc" }, wave),
      figures.map((text, i) => el("td", { class: i === 2 && proof.error_samples ? "num out" : "num" }, text)), el("td", { class: "mono t2 hash", title: proof.picture_hash }, short(proof.picture_hash)),
      el("td", { class: "num" }, proof.models_bytes ? grouped(proof.models_bytes) : "–"),
      el("td", {}, el("span", { class: good ? "st ok" : "st bad" }, icon(good ? "check" : "x"), good ? "verified" : "failed")), el("td", { class: "t3 sm w2", title: note }, el("div", { class: "clip" }, note)));
    return { tr, name, wave };
  }

  // Called again when a sound's peaks arrive.
  wave(id, peaks) {
    const line = this.lines?.get(id);
    if (line && peaks) replace(line.wave, miniature(peaks));
  }

  select(id) {
    for (const [key, { tr, name }] of this.lines ?? []) {
      tr.setAttribute("aria-selected", String(key === id));
      name.setAttribute("aria-pressed", String(key === id));
    }
  }

  #download() {
    if (!this.data) return;
    const link = el("a", { href: URL.createObjectURL(new Blob([csv(this.data)], { type: "text/csv" })), download: `${this.data.clip.name}-proof.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

const chip = (cls, name, count, word) => el("span", { class: `chip ${cls}` }, icon(name, "s"), `${count} ${word}`);
const signedLag = (value) => (value === null ? "–" : value === 0 ? "0.0000" : signed(value, 4));

function residual({ condition, proof }) {
  if (condition === "swapped") return number(proof.source_correlation);
  if (proof.residual_dbfs === null) return "–";
  return proof.residual_dbfs <= -999 ? "−∞ dBFS" : `${number(proof.residual_dbfs, 1)} dBFS`;
}

function refusedRow({ condition, asked, reason }) {
  const none = (cls) => el("td", { class: cls }, "–");
  return el("tr", { class: "refused" }, el("td", { class: "stick" }, el("span", { class: `cd ${CONDITIONS.has(condition) ? condition : ""}` }, glyph(condition), condition)),
    el("td", { class: "t2" }, asked), el("td", { class: "t3 xs" }, "not built"), ["num", "num", "num", "num", "num", "hash", "num"].map(none),
    el("td", { title: reason }, el("span", { class: "st warn" }, icon("alert"), "refused")), el("td", { class: "t3 sm w2", title: reason }, el("div", { class: "clip" }, reason)));
}

// 112 columns of a sound's peaks as one filled path.
function miniature(peaks) {
  const count = peaks.length / 2, columns = 112, top = [], bottom = [];
  for (let i = 0; i < columns; i += 1) {
    let low = 0, high = 0;
    for (let at = Math.floor((i * count) / columns); at < ((i + 1) * count) / columns; at += 1) {
      low = Math.min(low, peaks[at * 2]);
      high = Math.max(high, peaks[at * 2 + 1]);
    }
    top.push(`${i},${(11.6 - high / 11).toFixed(1)}`);
    bottom.push(`${i},${(12.4 - low / 11).toFixed(1)}`);
  }
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  for (const [name, value] of [["class", "wf"], ["viewBox", "0 0 111 24"], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  path.setAttribute("d", `M${top.join(" ")} ${bottom.reverse().join(" ")}z`);
  svg.append(path);
  return svg;
}

const COLUMNS = ["asked_offset_s", "offset_s", "error_samples", "correlation", "source_correlation", "residual_dbfs", "duration_s", "picture_hash", "models_bytes", "models_sha256", "people_sha256", "verdict"];

// Cells that a spreadsheet would run as a formula get a quote in front, except plain numbers.
export function csv({ clip, sounds, refused }) {
  const cell = (value) => {
    let text = value === null || value === undefined ? "" : String(value);
    if (/^[=+\-@\t]/.test(text) && !Number.isFinite(Number(text))) text = `'${text}`;
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [["clip", "sound", "condition", "asked", ...COLUMNS, "note"]];
  for (const row of sounds.filter((one) => one.proof))
    lines.push([clip.id, row.id, row.condition, row.asked, ...COLUMNS.map((name) => row.proof[name]), [...row.proof.reasons, ...row.proof.notes].join("; ")]);
  for (const row of refused) lines.push([clip.id, "", row.condition, row.asked, ...COLUMNS.map((name) => (name === "verdict" ? "refused" : "")), row.reason]);
  return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}
