// The source's frame table and its map onto the proxy. Frames are counted from 0; times are seconds from the first picture.
// The proxy has a constant rate, and its frame k shows what is on screen in the source at the middle of its time, (k + .5) / fps.
// Where the source has that rate itself the two are the same frames one for one, whatever rounding its container did to times.
const SAME_S = 1e-6; // two times this close are one

export class FrameTable {
  constructor(times, proxyFps, sourceFps = null) {
    this.times = times;
    this.fps = proxyFps;
    this.same = sourceFps !== null && Math.abs(sourceFps - proxyFps) < 1e-3;
  }

  get count() { return this.times.length; }
  time(frame) { return this.times[this.clamp(frame)] ?? 0; }
  clamp(frame) { return Math.min(Math.max(frame, 0), Math.max(this.count - 1, 0)); }

  // The last frame that begins at or before time_s.
  #last(time_s) {
    let low = 0, high = Math.max(this.count - 1, 0);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= time_s) low = middle; else high = middle - 1;
    }
    return low;
  }

  // The source frame on screen at time_s.
  at(time_s) { return this.#last(time_s + SAME_S); }

  // The source frame that proxy frame k shows.
  sourceOf(k) { return this.same ? this.clamp(k) : this.#last((k + 0.5) / this.fps); }

  // The first proxy frame that shows a source frame (or, where the proxy is slower and leaves it out, the one after it).
  proxyOf(frame) {
    const at = this.clamp(frame);
    if (this.same) return at;
    let k = Math.max(Math.ceil(this.time(at) * this.fps - 0.5), 0);
    while (this.sourceOf(k) < at) k += 1;
    while (k > 0 && this.sourceOf(k - 1) >= at) k -= 1;
    return k;
  }

  // Always the middle of a proxy frame: asked for its exact start, browsers show the one before in a third of the cases.
  seekTime(frame) { return (this.proxyOf(frame) + 0.5) / this.fps; }
}
