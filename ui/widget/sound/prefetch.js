// Clips kept wholly in the browser: record, picture, every decoded sound, peaks and spectrograms. The clip on the page, the
// next three and the previous one, in a pool of five video elements; what is further away is dropped and its memory given back.
import { get } from "../base/api.js";
import { el } from "../base/dom.js";
import { FrameTable } from "./frames.js";

const POOL = 5;
const TOGETHER = 2;                 // clips loading at a time
const BUDGET_BYTES = 320e6;         // decoded sound of neighbours; a neighbour over it gets its picture only
const RUN_UP_S = 1.5;               // where a clip opens: this long before its event

export const startOf = (card) => Math.max(0, (card.visual_s ?? card.audio_s ?? 0) - RUN_UP_S);

async function bytes(url, signal) {
  const response = await fetch(url, { signal, credentials: "same-origin" });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return response;
}

class Bundle {
  constructor(id) {
    this.id = id;
    this.abort = new AbortController();
    this.data = null;
    this.video = null;
    this.proxy = 0;
    this.buffers = new Map();
    this.peaks = new Map();
    this.spectra = new Map();
    this.failed = new Map();      // sound id → what happened, one sentence
    this.onsound = null;
    this.whole = false;
  }

  get duration() { return this.data.clip.duration_s; }
  get bytes() {
    if (!this.data) return 0;
    const { clip, sounds } = this.data;
    return clip.duration_s * 48000 * 4 * Math.max(clip.channels || 1, 1) * sounds.length;
  }
}

export class Prefetch {
  #bundles = new Map();
  #spare = [];
  #queue = [];
  #busy = 0;

  // openAt(clip): where the clip is shown first, in seconds. about(id, options): its record, as /api/clips/{id} gives it.
  constructor(context, openAt = startOf, about = (id, options) => get(`/api/clips/${encodeURIComponent(id)}`, options)) { Object.assign(this, { context, openAt, about }); }

  // The bundle of a clip, loading at once if it is not here; await bundle.ready for its record and picture, bundle.all for the rest.
  open(id) {
    let bundle = this.#bundles.get(id);
    if (!bundle) {
      bundle = new Bundle(id);
      this.#bundles.set(id, bundle);
      bundle.ready = this.#core(bundle);
      bundle.ready.catch(() => this.drop(id));
    }
    return bundle;
  }

  // The clip on the page with everything in it.
  show(id) {
    const bundle = this.open(id);
    bundle.all ??= bundle.ready.then(() => this.#sounds(bundle));
    bundle.all.catch(() => {});
    return bundle;
  }

  // Neighbours, the likeliest first. Everything else but the current clip goes.
  want(current, ids) {
    const keep = new Set([current, ...ids].slice(0, POOL));
    for (const id of [...this.#bundles.keys()]) if (!keep.has(id)) this.drop(id);
    this.#queue = [...keep].filter((id) => id !== current && !this.#bundles.get(id)?.all);
    this.#pump();
  }

  #pump() {
    while (this.#busy < TOGETHER && this.#queue.length > 0) {
      const bundle = this.open(this.#queue.shift());
      this.#busy += 1;
      bundle.ready.then(() => {
        const held = [...this.#bundles.values()].reduce((sum, one) => sum + (one.all ? one.bytes : 0), 0);
        if (held + bundle.bytes > BUDGET_BYTES) return null;
        return this.show(bundle.id).all;
      }).catch(() => {}).finally(() => { this.#busy -= 1; this.#pump(); });
    }
  }

  async #core(bundle) {
    const { signal } = bundle.abort;
    const data = await this.about(bundle.id, { signal });
    const [times, picture] = await Promise.all([
      bytes(data.frame_times, signal).then((r) => r.arrayBuffer()),
      bytes(data.proxy, signal).then((r) => r.blob()),
    ]);
    bundle.table = new FrameTable(new Float64Array(times), data.proxy_fps, data.clip.fps);
    const frame = bundle.table.at(this.openAt(data.clip));
    bundle.proxy = bundle.table.proxyOf(frame);
    bundle.video = this.#spare.pop() ?? newVideo();
    bundle.url = URL.createObjectURL(picture);
    await showFirst(bundle.video, bundle.url, bundle.table.seekTime(frame), signal);
    bundle.data = data;
    return bundle;
  }

  async #sounds(bundle) {
    await Promise.all(bundle.data.sounds.map(async (row) => {
      const { signal } = bundle.abort;
      const wave = row.peaks && bytes(row.peaks, signal).then((r) => r.arrayBuffer())
        .then((raw) => bundle.peaks.set(row.id, new Int8Array(raw)));
      const image = row.spectrogram && bytes(row.spectrogram, signal).then((r) => r.blob()).then(createImageBitmap)
        .then((image) => { if (signal.aborted) image.close(); else bundle.spectra.set(row.id, image); });
      await Promise.allSettled([wave, image, this.#decode(bundle, row)]);
      if (!signal.aborted) bundle.onsound?.(row.id);
    }));
    bundle.whole = true;
    return bundle;
  }

  async #decode(bundle, row) {
    if (!row.people) return;
    try {
      const raw = await (await bytes(row.people, bundle.abort.signal)).arrayBuffer();
      bundle.buffers.set(row.id, await this.context.decodeAudioData(raw));
    } catch (cause) {
      if (bundle.abort.signal.aborted) return;
      bundle.failed.set(row.id, "This sound cannot be decoded here. Build it again; the other sounds still play.");
      console.info(`sound ${row.id}: ${cause.message}`);
    }
  }

  drop(id) {
    const bundle = this.#bundles.get(id);
    if (!bundle) return;
    this.#bundles.delete(id);
    bundle.abort.abort();
    bundle.onsound = null;
    bundle.buffers.clear();
    for (const image of bundle.spectra.values()) image.close();
    bundle.spectra.clear();
    if (bundle.url) URL.revokeObjectURL(bundle.url);
    if (!bundle.video) return;
    bundle.video.remove();
    bundle.video.removeAttribute("src");
    bundle.video.load();
    if (this.#spare.length < POOL) this.#spare.push(bundle.video);
    bundle.video = null;
  }

  // Counts for tests and for the bounds above.
  stats() { return { clips: this.#bundles.size, whole: [...this.#bundles.values()].filter((b) => b.whole).length, spare: this.#spare.length }; }
  isWhole(id) { return this.#bundles.get(id)?.whole ?? false; }
  destroy() { this.#queue = []; for (const id of [...this.#bundles.keys()]) this.drop(id); this.#spare = []; }
}

function newVideo() {
  const video = el("video", { muted: true, playsinline: true, preload: "auto", tabindex: "-1", "aria-hidden": "true", disablepictureinpicture: true });
  video.muted = true;
  return video;
}

// Loads a picture and waits until the wanted frame is decoded.
function showFirst(video, url, time_s, signal) {
  return new Promise((resolve, reject) => {
    const done = new AbortController(), options = { signal: done.signal };
    const finish = (how, value) => { done.abort(); how(value); };
    const broken = "The picture of this clip cannot be played here. Add the clip again, or look at its file in another player.";
    video.addEventListener("loadeddata", () => { video.currentTime = time_s; }, options);
    video.addEventListener("seeked", () => finish(resolve), options);
    video.addEventListener("error", () => finish(reject, new Error(broken)), options);
    signal.addEventListener("abort", () => finish(reject, new DOMException("dropped", "AbortError")), options);
    video.playbackRate = 1;
    video.src = url;
  });
}
