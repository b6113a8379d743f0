// The page of one clip: picture, sounds, timeline, facts and proof. Built once; show() points it at another clip.
import { post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { copy } from "../base/clipboard.js";
import { el, replace } from "../base/dom.js";
import { Engine } from "../sound/engine.js";
import { Facts } from "./facts.js";
import { icon } from "../base/icons.js";
import { pushScope } from "../base/keys.js";
import { keysBar, nextRate, Player, soundName } from "../sound/player.js";
import { Prefetch, startOf } from "../sound/prefetch.js";
import { Proof } from "./proof.js";
import { Timeline } from "../sound/timeline.js";
import { fail, toast } from "../base/toast.js";

const LOOP_S = 0.5;
const ADDRESS_MS = 300;
const idle = window.requestIdleCallback ?? ((run) => setTimeout(run, 50));

// onNavigate(params, {replace}): params are {clip, sound, t} for the address. Returns {show, reload, setOrder, destroy, bindings}.
export function mountClip(root, options) {
  const page = new ClipPage(root, options);
  page.show(options.clipId, { soundId: options.soundId, time: options.time });
  options.signal?.addEventListener("abort", () => page.destroy(), { once: true });
  return {
    show: (clipId, at) => page.show(clipId, at), reload: () => page.reload(), setOrder: (ids) => { page.order = ids; page.neighbours(); },
    destroy: () => page.destroy(), bindings: page.bindings, get clipId() { return page.id; },
  };
}

class ClipPage {
  constructor(root, { order = [], onNavigate, onBuild, onPlace, onBack }) {
    Object.assign(this, { root, order, onNavigate, onBuild, onPlace, onBack, id: null, bundle: null, asked: 0, lastEdit: null, timer: 0 });
    this.engine = new Engine();
    this.prefetch = new Prefetch(this.engine.context);
    this.player = new Player(this.engine, { onselect: (id) => this.hear(id), onloop: () => this.loop() });
    this.timeline = new Timeline(this.engine, { onseek: (time_s) => this.seek(time_s) });
    this.facts = new Facts();
    this.proof = new Proof({ onselect: (id) => this.hear(id), onreject: (row) => this.reject(row), onbuild: () => this.onBuild(this.id) });
    this.bindings = this.#bindings();
    this.#build();
    this.pop = pushScope(this.bindings);
    this.engine.subscribe((kind, { playing }) => { if (kind === "state" && this.stale && !playing) this.reload(); });
    window.__thud = { ...window.__thud, engine: this.engine, prefetch: this.prefetch, timeline: this.timeline, clipId: () => this.id };
  }

  #build() {
    this.back = el("button", { class: "btn q s", type: "button", onclick: () => this.onBack() }, "Clips");
    this.title = el("h1", { class: "clip" });
    this.name = el("span", { class: "mono t3 nw name" });
    this.chips = el("span", { class: "row wide" });
    const head = el("div", { class: "head" }, this.back, el("span", { class: "t3", "aria-hidden": "true" }, "/"), this.title, this.name, this.chips, el("span", { class: "sp" }),
      el("button", { class: "btn", type: "button", title: "Copy a link to this clip, this sound and this moment", onclick: () => this.copyLink() }, icon("link"), "Copy link"),
      el("button", { class: "btn makes", type: "button", title: "Place event times (e)", onclick: () => this.onPlace(this.id) }, "Place event times…"),
      el("button", { class: "btn p makes", type: "button", onclick: () => this.onBuild(this.id) }, "Build soundtracks…"));
    this.notes = el("div", { class: "notes" });
    this.words = el("p", { class: "said clip" });
    this.links = el("span", { class: "row links" });
    this.said = el("div", { class: "say row sm" }, this.words, el("span", { class: "sp" }), this.links);
    const keys = keysBar(this.bindings, [[["clip.play"], "play"], [["clip.frame-back", "clip.frame"], "frame"], [["clip.back", "clip.on"], "10 ms"], [["clip.flip"], "flip to original"],
      [["clip.sound-before", "clip.sound-after"], "sound"], [["clip.loop"], "loop ±0.5 s"], [["clip.zoom-in", "clip.zoom-out"], "zoom"], [["clip.rate"], "speed"], [["clip.next", "clip.before"], "next, previous clip"]]);
    const { player, facts, timeline, proof } = this;
    this.node = el("div", { class: "cpg" }, head, this.notes,
      el("div", { class: "cp" }, el("div", { class: "pic" }, player.scene, player.transport), facts.nodes, el("div", { class: "hearing" }, player.tabs, this.said)),
      el("div", { class: "tk" }, timeline.node, keys), proof.node);
    // A click must not take the keys away from the page: buttons act without keeping the focus.
    this.node.addEventListener("mousedown", (event) => { if (event.target.closest("button") && !event.target.closest("dialog")) event.preventDefault(); });
    replace(this.root, this.node);
  }

  #bindings() {
    const { engine } = this, timeline = () => this.timeline;
    const key = (id, name, label, run, hidden = false) => ({ id: `clip.${id}`, key: name, label, run, hidden });
    const move = (by) => () => this.seek(engine.position + by);
    const digits = Array.from({ length: 9 }, (_, i) => key(`sound-${i + 1}`, String(i + 1), i ? `Hear sound ${i + 1}` : "Hear sound 1; 2 to 9 for the others", () => this.hearNumber(i), i > 0));
    return [
      key("play", " ", "Play or pause", () => engine.toggle()),
      key("frame-back", ",", "One frame back", () => engine.step(-1)), key("frame", ".", "One frame forward", () => engine.step(1)),
      key("back", "ArrowLeft", "10 ms back", move(-0.01)), key("on", "ArrowRight", "10 ms forward", move(0.01)),
      key("back-far", "Shift+ArrowLeft", "100 ms back", move(-0.1)), key("on-far", "Shift+ArrowRight", "100 ms forward", move(0.1)),
      key("flip", "b", "Flip between the original and the last edited sound", () => this.flip()),
      key("sound-before", "[", "Previous sound", () => this.hearNext(-1)), key("sound-after", "]", "Next sound", () => this.hearNext(1)), ...digits,
      key("loop", "l", "Loop half a second around the event, or the selection", () => this.loop()),
      key("zoom-in", "+", "Zoom in", () => timeline().zoom(0.6)), key("zoom-in-too", "=", "Zoom in", () => timeline().zoom(0.6), true), key("zoom-out", "-", "Zoom out", () => timeline().zoom(1 / 0.6)),
      key("rate", "r", "Speed 1×, 0.5×, 0.25×; slower drops the pitch", () => engine.setRate(nextRate(engine.rate))),
      key("next", "j", "Next clip", () => this.go(1)), key("before", "k", "Previous clip", () => this.go(-1)),
      key("place", "e", "Place event times", () => this.onPlace(this.id)), key("leave", "Escape", "Back to all clips", () => this.onBack()),
    ];
  }

  // ---- which clip
  show(clipId, { soundId = null, time = null } = {}) {
    const ticket = ++this.asked, bundle = this.prefetch.show(clipId);
    if (this.bundle && this.bundle !== bundle) this.bundle.onsound = null;
    this.id = clipId;
    if (bundle.data) this.#render(bundle, soundId, time);
    else {
      this.#wait();
      bundle.ready.then(() => { if (ticket === this.asked) this.#render(bundle, soundId, time); }, (error) => { if (ticket === this.asked) this.#broken(error); });
    }
    idle(() => { if (ticket === this.asked) this.neighbours(); }, { timeout: 250 }); // after this clip is painted
  }

  neighbours() {
    const at = this.order.indexOf(this.id);
    const near = at < 0 ? [] : [1, 2, 3, -1].map((by) => this.order[at + by]).filter((id) => id !== undefined);
    this.prefetch.want(this.id, near);
  }

  go(by) {
    const next = this.order[this.order.indexOf(this.id) + by];
    if (next === undefined || !this.order.includes(this.id)) { toast(by > 0 ? "This is the last clip of the list." : "This is the first clip of the list.", { level: "info" }); return; }
    this.show(next);
    this.onNavigate({ clip: next, sound: this.engine.sound, t: null }, { replace: false });
  }

  // After a build: everything anew, at the same sound and moment; not while someone is listening.
  reload() {
    this.stale = this.engine.playing;
    if (this.stale) return;
    const { position, sound } = this.engine;
    this.engine.unload();
    this.prefetch.want(this.id, []);
    this.prefetch.drop(this.id);
    this.bundle = null;
    this.show(this.id, { soundId: sound, time: position });
  }

  #wait() {
    this.engine.unload();
    this.bundle = null;
    this.node.setAttribute("aria-busy", "true");
    replace(this.notes);
    replace(this.title, el("span", { class: "sk line" }));
    for (const part of [this.name, this.chips, this.words, this.links]) replace(part);
    this.player.show(null);
    this.player.wait();
    this.facts.wait();
    this.proof.wait();
  }

  #broken(error) {
    this.node.removeAttribute("aria-busy");
    replace(this.title, "This clip cannot be shown");
    this.#note("bad", error.message, el("button", { class: "btn s", type: "button", onclick: () => this.show(this.id) }, "Try again"));
  }

  #note(level, text, ...more) { this.notes.append(el("div", { class: `note ${level}`, role: "alert" }, icon(level === "bad" ? "x" : "alert"), el("span", {}, text), ...more)); }

  #render(bundle, soundId, time) {
    const { clip, sounds } = bundle.data, wanted = this.#sameSound(sounds, soundId);
    this.bundle = bundle;
    this.node.removeAttribute("aria-busy");
    replace(this.notes);
    for (const text of clip.damage) this.#note("warn", text);
    this.title.textContent = clip.title || clip.name;
    this.name.textContent = clip.name;
    replace(this.chips, clip.synthetic && el("span", { class: "chip dash" }, "synthesised clip"), clip.kind && el("span", { class: "chip" }, clip.kind));
    const sound = wanted?.id ?? null;
    this.engine.load({ video: bundle.video, table: bundle.table, duration: bundle.duration, buffers: bundle.buffers, proxy: bundle.proxy }, time ?? startOf(clip), sound);
    this.player.setSounds(sounds, bundle.failed);
    this.player.show(bundle);
    this.facts.show(clip, bundle.table);
    this.timeline.setClip(bundle, sounds);
    this.#heard(wanted);
    // The long table comes one frame later, so that the picture does not wait for its layout.
    requestAnimationFrame(() => setTimeout(() => { if (this.bundle === bundle && this.pop) { this.proof.show(bundle); this.proof.select(this.engine.sound); } }));
    bundle.onsound = (id) => this.#arrived(id);
    if (time !== null) this.timeline.reveal(time);
  }

  // The sound asked for; else the like of the one heard on the clip before; else the first.
  #sameSound(sounds, soundId) {
    const was = this.row;
    return sounds.find((row) => row.id === soundId) ?? sounds.find((row) => was && row.condition === was.condition && row.asked === was.asked)
      ?? sounds.find((row) => was && row.condition === was.condition) ?? sounds[0];
  }

  #arrived(id) {
    const { bundle } = this;
    if (bundle.buffers.has(id)) this.engine.arrived(id);
    if (bundle.failed.has(id)) { this.player.setSounds(bundle.data.sounds, bundle.failed); if (id === this.engine.sound) this.#heard(this.row); }
    if (this.proof.data === bundle.data) this.proof.wave(id, bundle.peaks.get(id));
    this.timeline.redraw();
  }

  // ---- which sound
  hear(id) {
    const row = this.bundle?.data.sounds.find((one) => one.id === id);
    if (!row) return;
    this.engine.select(id);
    this.#heard(row);
    this.address();
  }

  #heard(row) {
    this.row = row ?? this.row;
    const { clip, sounds } = this.bundle.data;
    if (row && row.condition !== "original") this.lastEdit = { condition: row.condition, asked: row.asked };
    this.timeline.setSound(row ?? null);
    this.proof.select(row?.id);
    this.facts.heard(row, clip);
    const failed = row && this.bundle.failed.get(row.id);
    replace(this.words, failed ? el("span", { class: "st bad" }, icon("x"), failed) : row?.words ?? "");
    this.words.title = failed ?? row?.words ?? "";
    const at = `/media/clip/${encodeURIComponent(clip.id)}`;
    const file = (href, text, what) => href && el("a", { href, download: "", title: what }, text);
    replace(this.links, el("span", { class: "t3" }, "Save"), file(row?.models, "WAV 16 kHz", "What models are given"), file(row?.mux, "MP4", "The untouched picture with this sound"),
      sounds.length > 0 && file(`${at}/reel.mp4?sound=${encodeURIComponent(row?.id ?? "")}`, "reel", "Original and this sound, one after the other, captioned"), file(`${at}/sheet.jpg`, "contact sheet", "Frames around the event"));
  }

  hearNumber(index) { const row = this.bundle?.data.sounds[index]; if (row) this.hear(row.id); }

  hearNext(by) {
    const sounds = this.bundle?.data.sounds ?? [];
    if (sounds.length > 0) this.hear(sounds[(sounds.findIndex((row) => row.id === this.engine.sound) + by + sounds.length) % sounds.length].id);
  }

  flip() {
    const sounds = this.bundle?.data.sounds ?? [], like = this.lastEdit;
    const edit = sounds.find((row) => like && row.condition === like.condition && row.asked === like.asked) ?? sounds[1];
    const next = this.engine.sound === sounds[0]?.id ? edit : sounds[0];
    if (next) this.hear(next.id);
  }

  // ---- where
  seek(time_s) {
    this.engine.seek(time_s);
    if (!this.engine.playing) this.timeline.reveal(this.engine.position);
    this.address();
  }

  // The selection, or the event as seen, as recorded and as heard in this sound, with half a second on both sides.
  loop() {
    if (!this.bundle) return;
    if (this.engine.loop) { this.engine.setLoop(null); return; }
    const { visual_s, audio_s } = this.bundle.data.clip, { row } = this;
    const heard = audio_s !== null && row?.offset_s ? audio_s + row.offset_s : null;
    const times = [visual_s, audio_s, heard].filter((time) => time !== null && time <= this.engine.duration);
    const around = times.length > 0 ? times : [this.engine.position];
    const range = this.timeline.selection ?? { start: Math.min(...around) - LOOP_S, end: Math.max(...around) + LOOP_S };
    this.engine.setLoop(range);
    this.engine.play();
  }

  // The address follows a moment later, so that stepping does not fill it.
  address() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (this.bundle) this.onNavigate(this.#params(), { replace: true }); }, ADDRESS_MS);
  }

  #params() { return { clip: this.id, sound: this.engine.sound, t: this.engine.position.toFixed(3) }; }

  copyLink() {
    const params = Object.entries(this.#params()).filter(([, value]) => value !== null);
    const link = `${location.origin}/clips?${new URLSearchParams(params)}`;
    copy(link, `Link copied: ${this.row ? soundName(this.row) : "this clip"} at ${this.engine.position.toFixed(3)} s`);
  }

  reject(row) {
    const reason = el("input", { type: "text", "aria-label": "Reason", maxlength: "300", placeholder: "e.g. sounds the same as the original" });
    const send = async (event) => {
      event.preventDefault();
      if (!reason.value.trim()) { reason.focus(); return; }
      try {
        await post("/api/donors/reject", { clip: this.id, donor: row.donor, reason: reason.value.trim() });
        dialog.close();
        toast(`${row.asked} will not be used for this clip again. Build once more to get another donor.`);
      } catch (error) { fail(error); }
    };
    const form = el("form", { class: "pb col", onsubmit: send }, el("p", { class: "t2" }, `The sound of ${row.asked} will not be placed in this clip again. The soundtrack that is built stays until you build once more.`),
      el("label", { class: "col" }, el("span", { class: "sm t3" }, "Why does it not fit?"), el("span", { class: "in" }, reason)),
      el("div", { class: "row" }, el("span", { class: "sp" }), el("button", { class: "btn p", type: "submit" }, "Reject this donor")));
    const dialog = openDialog(this.node, { title: "Reject this donor", body: form });
    reason.focus();
  }

  destroy() {
    if (!this.pop) return;
    clearTimeout(this.timer);
    this.asked += 1;
    this.pop();
    this.pop = null;
    this.engine.destroy();
    this.player.destroy();
    this.timeline.destroy();
    this.prefetch.destroy();
    this.node.remove();
  }
}
