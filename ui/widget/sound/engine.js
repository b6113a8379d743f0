// Picture and sound in step. One muted <video> shows the picture, the sound deck plays every condition at once, and the sound's
// clock is the master: the picture starts first, at its first shown frame the sound is scheduled so that it is *audible* in step,
// and from then on the picture's rate is nudged towards the sound. Without sound (none, or not allowed yet) the picture runs alone.
//
// For tests, window.__thud.engine is this object: state() gives plain numbers; deck.output is the node everything audible passes
// (a test may connect its own recorder to it); settled() resolves with state() when the frame asked for is on screen.
import { between, middleMean } from "../base/numbers.js";
import { AHEAD_S, audioContext, Deck } from "./sound.js";

export const RATES = [1, 0.5, 0.25];
const NUDGE = 0.1;        // at most ±10 % of the picture's rate
const LOST_S = 0.25;      // further apart than this: seek instead of nudging
const QUIET_S = 0.003;    // drift below this is left alone
const JUDGED = 8;         // frames that drift is judged by
const PULL = 4;           // rate change per second of drift: gone in about half a second, without swinging
const STORE = "thud.volume";

function storedVolume() {
  try { return between(0, Number(localStorage.getItem(STORE) ?? 1) || 0, 1); } catch { return 1; }
}

export class Engine {
  #listeners = new Set();
  #abort = new AbortController();
  #video = null;        // AbortController of the loaded video's listeners
  #callback = 0;
  #raf = 0;
  #waiting = [];
  #target = null;       // the source frame last asked for while paused
  #tries = 0;
  #asked = -1;          // the video time last asked for
  #drift = 0;           // picture minus sound, s
  #errors = [];
  #lead = 0.03;         // how long before the end of a lap the picture must jump to be back in time; learnt
  #jumped = false;

  constructor() {
    this.deck = new Deck(audioContext());
    this.playing = false;
    this.rate = 1;
    this.loop = null;
    this.media = null;
    this.shown = null;    // {proxy, frame, mediaTime, expected}: what is on screen
    this.at = 0;          // position while paused, s
    this.volume = storedVolume();
    this.deck.volume = this.volume;
    const wake = () => { if (this.playing) this.deck.context.resume().catch(() => {}); };
    for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, wake, { signal: this.#abort.signal });
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.pause(); }, { signal: this.#abort.signal });
  }

  subscribe(listener) { this.#listeners.add(listener); return () => this.#listeners.delete(listener); }
  #emit(kind) { for (const listener of this.#listeners) listener(kind, this); }

  get context() { return this.deck.context; }
  get video() { return this.media?.video ?? null; }
  get table() { return this.media?.table ?? null; }
  get duration() { return this.media?.duration ?? 0; }
  get sound() { return this.deck.current; }
  get blocked() { return this.playing && this.deck.buffers.size > 0 && this.context.state !== "running"; }
  get frame() { return this.playing ? this.shown?.frame ?? 0 : this.#target ?? this.shown?.frame ?? 0; }

  // What is audible now while playing; where we stand while paused. Seconds of the clip.
  get position() { return this.positionAt(performance.now()); }

  // The same for another moment of this page's clock, such as when a key went down.
  positionAt(performance_ms) {
    if (!this.playing) return this.at;
    if (!this.deck.running) return Math.min(this.video.currentTime, this.duration);
    return this.deck.positionAt(this.deck.audibleAt(performance_ms));
  }

  state() {
    const { run } = this.deck;
    return {
      playing: this.playing, position: this.position, frame: this.frame, shown: this.shown, sound: this.sound, rate: this.rate,
      loop: this.loop, drift: this.#drift, blocked: this.blocked, audible: run && { when: run.when, offset: run.offset },
    };
  }

  // media: {video, table, duration, buffers, proxy: the proxy frame it shows}. Swaps clips without leaving anything behind.
  load(media, at, sound) {
    const goOn = this.playing;
    this.#halt();
    this.#release();
    this.media = media;
    this.loop = null;
    this.deck.load(media.buffers);
    this.deck.current = sound;
    this.#show(media.proxy, media.proxy / media.table.fps, 0);
    this.#attach(media.video);
    this.seek(at);
    if (goOn) this.play();
    this.#emit("state");
  }

  unload() { this.#halt(); this.#release(); this.media = null; this.deck.load(new Map()); }

  #attach(video) {
    this.#video = new AbortController();
    const options = { signal: this.#video.signal };
    video.addEventListener("seeked", () => this.#seeked(), options);
    video.addEventListener("ended", () => (this.loop ? this.seek(this.loop.start) : this.pause(this.duration)), options);
    const next = (now, meta) => { this.#callback = video.requestVideoFrameCallback(next); this.#presented(meta); };
    this.#callback = video.requestVideoFrameCallback(next);
  }

  #release() {
    this.#video?.abort();
    this.video?.cancelVideoFrameCallback(this.#callback);
    this.#waiting = [];
    this.shown = this.#target = null;
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  play() {
    if (!this.media || this.playing) return;
    const { start, end } = this.loop ?? { start: 0, end: this.duration - 1 / this.table.fps };
    if (this.at >= end || (this.loop && this.at < start)) this.seek(start);
    this.context.resume().catch(() => {});
    this.playing = true;
    this.#errors = [];
    this.#drift = 0;
    this.#jumped = false;
    this.video.playbackRate = this.rate;
    this.video.play().catch(() => this.pause());
    this.#raf = requestAnimationFrame(() => this.#tick());
    this.#emit("state");
  }

  // Stops on the frame that was last on screen, so what you saw is what the numbers say.
  pause(at = null) {
    if (!this.playing) return;
    const frame = this.shown?.frame ?? 0;
    this.#halt();
    this.seek(at ?? this.table.time(frame), true);
    this.#emit("state");
  }

  #halt() {
    cancelAnimationFrame(this.#raf);
    this.deck.stop();
    if (this.playing) this.video.pause();
    this.playing = false;
  }

  // force: even if that frame seems to be on screen; a playing picture may be one further than it has told.
  seek(time_s, force = false) {
    if (!this.media) return;
    this.at = between(0, time_s, this.duration);
    this.#target = this.table.at(this.at);
    this.deck.stop();
    this.#errors = [];
    this.#tries = 0;
    this.#goto(force);
    this.#emit("time");
  }

  // n frames of the source, forward or back; quick presses add up even while the picture is still catching up.
  step(n) {
    if (!this.media) return;
    if (this.playing) this.pause();
    const frame = this.table.clamp((this.#target ?? this.frame) + n);
    this.seek(this.table.time(frame));
  }

  #goto(force = false) {
    const { video } = this;
    const wanted = this.table.seekTime(this.#target);
    if (video.seeking) return;                                   // #seeked comes back here for the newest target
    const there = this.shown?.proxy === this.table.proxyOf(this.#target) && Math.abs(video.currentTime - wanted) < 0.5 / this.table.fps;
    if (there && !force && !this.playing) this.#settle();
    else video.currentTime = this.#asked = wanted;
  }

  #seeked() {
    if (this.#target === null) return;
    if (this.#asked !== this.table.seekTime(this.#target)) this.#goto();
    else if (!this.playing) this.#settle();
  }

  #show(proxy, mediaTime, expected) {
    this.shown = { proxy, mediaTime, expected, frame: this.table.sourceOf(proxy) };
  }

  #presented(meta) {
    this.#show(Math.round(meta.mediaTime * this.table.fps), meta.mediaTime, meta.expectedDisplayTime);
    const stale = this.#target !== null && Math.abs(meta.mediaTime - this.table.seekTime(this.#target)) > LOST_S; // from before a seek
    if (this.playing && !this.video.seeking && !stale) {
      this.#target = null;
      if (this.deck.running) this.#follow(meta);
      else this.#begin(meta);
    }
    if (!this.playing) this.#insist();
    this.#emit("time");
  }

  // Paused, and another frame than the wanted one came up (late, from before the seek): ask again, not for ever.
  #insist() {
    const wrong = this.#target !== null && this.shown.proxy !== this.table.proxyOf(this.#target);
    if (!wrong) this.#settle();
    else if (!this.video.seeking && this.#tries++ < 3) this.#goto(true);
  }

  // The first frame is about to be seen at expectedDisplayTime: let its sound be heard at that very time.
  #begin({ mediaTime, expectedDisplayTime }) {
    if (this.context.state !== "running" || this.deck.buffers.size === 0) return;
    const heard = this.deck.audibleAt(expectedDisplayTime);
    const when = Math.max(heard, this.context.currentTime + AHEAD_S);
    const offset = mediaTime + (when - heard) * this.rate;
    if (this.loop && offset >= this.loop.end) return;
    this.deck.start(when, offset, this.rate, this.loop);
  }

  // Hold the picture to the sound. The middle of several frames is judged: single ones wait for the screen's beat or come late.
  #follow({ mediaTime, expectedDisplayTime }) {
    const heard = this.deck.positionAt(this.deck.audibleAt(expectedDisplayTime));
    let error = mediaTime - heard;
    if (this.loop) {
      const lap = this.loop.end - this.loop.start;
      error -= Math.round(error / lap) * lap;
      if (this.#jumped) this.#learn(error);
    }
    if (Math.abs(error) > LOST_S) { this.#catchUp(heard); return; }
    this.#errors.push(error);
    if (this.#errors.length < JUDGED / 2) return;
    if (this.#errors.length > JUDGED) this.#errors.shift();
    this.#drift = middleMean(this.#errors);
    const nudge = Math.abs(this.#drift) < QUIET_S ? 0 : between(-NUDGE, PULL * this.#drift, NUDGE);
    const rate = this.rate * (1 - nudge);
    if (Math.abs(rate - this.video.playbackRate) > 0.002) this.video.playbackRate = rate;
  }

  #catchUp(heard) { this.#errors = []; this.video.currentTime = Math.min(heard + this.#lead, this.duration); }

  #learn(error) {
    this.#jumped = false;
    this.#errors = [];
    if (Math.abs(error) < LOST_S) this.#lead = between(0, this.#lead - error * 0.5, 0.15);
  }

  // While looping the sound goes round by itself, to the sample; the picture jumps a little before the end of the lap, and is
  // fetched back where a busy machine let it slip past.
  #tick() {
    this.#raf = requestAnimationFrame(() => this.#tick());
    if (this.loop && !this.video.seeking) this.#goRound(this.loop, this.video);
    this.#emit("time");
  }

  #goRound({ start, end }, video) {
    const { running } = this.deck, at = running ? this.position : video.currentTime;
    const outside = video.currentTime > end + 0.05 || video.currentTime < start - 0.1;
    if (outside && running) this.#catchUp(at);
    else if (!this.#jumped && (outside || (at >= end - this.#lead * this.rate && video.currentTime > start + this.#lead))) {
      this.#jumped = running;
      video.currentTime = start + 0.5 / this.table.fps;
    }
  }

  select(id) { this.deck.select(id); this.#emit("state"); }
  arrived(id) { this.deck.add(id); this.#emit("state"); }     // a sound that was decoded after play began

  setRate(rate) { this.rate = rate; this.#rejoin(); }

  // range: {start, end} in seconds, or null. The sound goes on where it is if it is inside.
  setLoop(range) {
    this.loop = range && { start: Math.max(range.start, 0), end: Math.min(range.end, this.duration - 1 / this.table.fps) };
    this.#jumped = false;
    const outside = this.loop && (this.position < this.loop.start || this.position >= this.loop.end);
    if (outside) this.seek(this.loop.start); else this.#rejoin();
    this.#emit("state");
  }

  // Hands over from the running sources to new ones at one sample, without a gap.
  #rejoin() {
    if (this.deck.running) {
      const when = this.context.currentTime + AHEAD_S, { loop } = this;
      let at = this.deck.positionAt(when);
      if (loop && at >= loop.end) at = loop.start + ((at - loop.start) % (loop.end - loop.start));
      this.deck.stop(when);
      this.deck.start(when, at, this.rate, loop, false);
    }
    if (this.playing) this.video.playbackRate = this.rate;
    this.#emit("state");
  }

  setVolume(value) {
    this.volume = between(0, value, 1);
    this.deck.volume = this.volume;
    try { localStorage.setItem(STORE, String(this.volume)); } catch { /* private window: kept for this page */ }
    this.#emit("state");
  }

  settled() { return new Promise((resolve) => { this.#waiting.push(resolve); if (!this.video?.seeking) this.#settle(); }); }

  #settle() {
    if (this.video.seeking || (this.#target !== null && this.shown?.proxy !== this.table.proxyOf(this.#target))) return;
    for (const resolve of this.#waiting.splice(0)) resolve(this.state());
  }

  destroy() { this.context.suspend().catch(() => {}); this.unload(); this.#abort.abort(); this.#listeners.clear(); this.deck.output.disconnect(); }
}
