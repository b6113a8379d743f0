// What is known of the source and of its event, as two lists of facts. Text only; unknown is said in words.
import { el, number, replace, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";

const CODECS = { h264: "H.264", hevc: "HEVC", av1: "AV1", vp9: "VP9", vp8: "VP8", mpeg4: "MPEG-4", mjpeg: "Motion JPEG", aac: "AAC", mp3: "MP3",
  opus: "Opus", flac: "FLAC", vorbis: "Vorbis", ac3: "AC-3" };
const ORIGINS = { construction: "construction: exact", gold: "gold", adjudicated: "people, adjudicated", consensus: "people agree", agreement: "models agree", manifest: "the manifest" };
const codec = (name) => CODECS[name] ?? (name?.startsWith("pcm") ? "PCM" : name);
const grouped = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, " ");
const rate = (fps) => number(fps, Number.isInteger(fps) ? 0 : 3);

export function size(bytes) {
  if (bytes < 1e6) return `${number(bytes / 1e3, 0)} kB`;
  return bytes < 1e9 ? `${number(bytes / 1e6, 1)} MB` : `${number(bytes / 1e9, 2)} GB`;
}

function panel(title, aside, body) {
  const head = el("div", { class: "ph" }, el("h2", {}, title), aside);
  return el("section", { class: "panel", "aria-label": title }, head, body);
}

export class Facts {
  constructor() {
    this.source = el("dl", { class: "kv pb" });
    this.event = el("dl", { class: "kv pb" });
    this.from = el("span", { class: "chip", hidden: true });
    this.nodes = [
      panel("Source", [el("span", { class: "sp" }), el("span", { class: "sm t3 nw found" }, "as found, never changed")], this.source),
      panel("Event times", [this.from], this.event),
    ];
  }

  wait() {
    const blocks = (widths) => widths.flatMap((width) => [el("dt", {}, el("div", { class: "sk", style: { width: "48px" } })), el("dd", {}, el("div", { class: "sk", style: { width } }))]);
    replace(this.source, blocks(["60%", "70%", "80%", "66%", "30%", "44%"]));
    replace(this.event, blocks(["40%", "48%", "52%", "36%"]));
    this.from.hidden = true;
  }

  show(clip, table) {
    replace(this.source, pairs(sourceFacts(clip)));
    this.now = el("dd");
    replace(this.event, pairs(eventFacts(clip, table)), clip.audio_s === null ? [] : [el("dt", {}, "Heard now"), this.now]);
    this.from.hidden = clip.times_from === null;
    this.from.textContent = clip.times_from === "construction" ? "exact" : clip.times_from ?? "";
    this.from.className = `chip ${["construction", "gold"].includes(clip.times_from) ? "acc" : ""}`;
  }

  // Where the event falls in the sound that is heard now.
  heard(row, { visual_s, audio_s }) {
    if (audio_s === null || !row) return;
    if (row.condition === "muted") { replace(this.now, faint("not in this sound")); return; }
    if (row.event_survives === false) { replace(this.now, faint("outside the clip in this sound")); return; }
    const at = audio_s + (row.offset_s ?? 0), from = visual_s === null ? "" : ` ${number(Math.abs(at - visual_s))} s ${at < visual_s ? "before" : "after"} the picture`;
    replace(this.now, [el("b", {}, `${number(at)} s`), faint(from, "wide")]);
  }
}

const pairs = (facts) => facts.filter(Boolean).flatMap(([name, value, attrs]) => [el("dt", {}, name), el("dd", attrs ?? {}, value)]);
const faint = (text, more = "") => el("span", { class: `t3 ${more}` }, text);

function sourceFacts(clip) {
  const name = clip.path.split("/").at(-1);
  const frames = clip.fps === null ? "uneven frames" : `${rate(clip.fps)} fps constant`;
  const channels = { 1: "mono", 2: "stereo", 6: "5.1" }[clip.channels] ?? `${clip.channels} channels`;
  const sound = clip.has_sound ? `${codec(clip.audio_codec)}, ${channels}, ${number(clip.sample_rate_hz / 1000, clip.sample_rate_hz % 1000 ? 1 : 0)} kHz, starts at ${number(clip.audio_start_s)} s` : "none in this file";
  return [
    ["File", [`${name}, `, faint(`${size(clip.size_bytes)}, ${number(clip.duration_s)} s`)], { class: "clip", title: clip.path }],
    ["Hash", clip.sha256.slice(0, 16).replace(/(.{4})(?=.)/g, "$1 "), { class: "mono", title: clip.sha256 }],
    ["Picture", `${codec(clip.video_codec)}, ${clip.width}×${clip.height}, ${frames}, ${grouped(clip.frames)} frames`],
    ["Sound", sound],
    clip.kind && ["Class", clip.kind],
    clip.source && ["From", clip.source, { class: "clip", title: clip.source }],
    ...clip.damage.map((text) => ["Damage", el("span", { class: "st warn" }, icon("alert"), text)]),
  ];
}

function eventFacts(clip, table) {
  const { visual_s, audio_s } = clip;
  if (visual_s === null && audio_s === null)
    return [["Picture", faint("not known")], ["Sound", faint("not known")], ["What next", "Until the event is placed, nothing tells whether a shift keeps it in the clip, and a swap starts with the clip."]];
  const time = (value, note) => (value === null ? faint("not known") : [el("b", {}, `${number(value)} s`), " ", faint(note)]);
  const rate_hz = clip.sample_rate_hz || 48000;
  const lag = visual_s !== null && audio_s !== null ? audio_s - visual_s : null;
  const order = lag > 0 ? "sound after picture" : lag < 0 ? "sound before picture" : "together";
  return [
    ["Picture", time(visual_s, visual_s === null ? "" : `frame ${table.at(visual_s)}`)],
    ["Sound", time(audio_s, audio_s === null ? "" : `sample ${grouped(Math.round(audio_s * rate_hz))}`)],
    lag !== null && ["Natural lag", [`${signed(lag)} s `, faint(order, "wide")]],
    clip.times_from && ["Placed by", ORIGINS[clip.times_from] ?? clip.times_from],
  ];
}
