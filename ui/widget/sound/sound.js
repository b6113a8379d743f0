// The sound deck: one decoded buffer per condition, all started at the same context time and offset, told apart by gain only.
// So switching conditions moves no sample. Positions are seconds of the clip; sample 0 of every buffer is the first picture.
const FADE_S = 0.005;
// A source asked to start in the past starts late instead, and from its beginning: 5 ms ahead was not enough on a busy machine.
export const AHEAD_S = 0.04;
let shared = null;

export function audioContext() {
  shared ??= new AudioContext({ latencyHint: "interactive", sampleRate: 48000 }); // most clips: their samples stay as they are
  return shared;
}

export class Deck {
  constructor(context) {
    this.context = context;
    this.output = context.createGain();
    this.output.connect(context.destination);
    this.buffers = new Map();
    this.current = null;
    this.run = null;
  }

  get running() { return this.run !== null; }
  set volume(value) { this.output.gain.setTargetAtTime(value, this.context.currentTime, FADE_S); }

  // buffers: Map(id → AudioBuffer); the map may fill up while the page is open, add() brings in latecomers.
  load(buffers) { this.stop(); this.buffers = buffers; }

  // when: context time; offset: position; loop: {start, end} in seconds or null. Times are put on the sample grid.
  // fade: begin softly; false where this run takes over from one that stops at the same instant.
  start(when, offset, rate, loop, fade = true) {
    const grid = this.context.sampleRate;
    const snap = (value) => Math.round(value * grid) / grid;
    const run = { when: snap(when), offset: snap(offset), rate, fade, nodes: new Map(), loop: null };
    if (loop) run.loop = { start: snap(loop.start), end: snap(loop.end) };
    this.run = run;
    for (const [id, buffer] of this.buffers) this.#add(id, buffer);
  }

  add(id) { if (this.run && !this.run.nodes.has(id)) this.#join(id); }

  #add(id, buffer) {
    const { when, offset, rate, loop, fade, nodes } = this.run;
    const gain = this.context.createGain();
    const level = id === this.current ? 1 : 0;
    gain.gain.value = fade ? 0 : level;
    if (fade && level) gain.gain.setValueAtTime(0, when).linearRampToValueAtTime(level, when + FADE_S);
    const source = this.context.createBufferSource();
    source.buffer = loop ? lap(this.context, buffer, loop) : buffer;
    source.loop = loop !== null;
    source.playbackRate.value = rate;
    source.connect(gain).connect(this.output);
    source.start(when, loop ? offset - loop.start : offset);
    nodes.set(id, { source, gain });
  }

  // A buffer that was decoded after the start: begin it a little ahead, at the very sample the others will have reached.
  #join(id) {
    const { run } = this;
    const grid = this.context.sampleRate;
    const when = Math.max(run.when, Math.ceil((this.context.currentTime + AHEAD_S) * grid) / grid);
    const keep = { when: run.when, offset: run.offset };
    Object.assign(run, { when, offset: Math.round(this.positionAt(when) * grid) / grid });
    this.#add(id, this.buffers.get(id));
    Object.assign(run, keep);
  }

  stop(at = 0) {
    if (!this.run) return;
    const end = Math.max(at, this.context.currentTime + (at ? 0 : FADE_S));
    for (const { source, gain } of this.run.nodes.values()) {
      if (!at) gain.gain.setTargetAtTime(0, this.context.currentTime, FADE_S / 4);
      source.stop(end);
      source.onended = () => { source.disconnect(); gain.disconnect(); };
    }
    this.run = null;
  }

  select(id) {
    this.current = id;
    if (!this.run) return;
    const now = this.context.currentTime;
    for (const [key, { gain }] of this.run.nodes) {
      gain.gain.cancelScheduledValues(now);
      gain.gain.setValueAtTime(gain.gain.value, now);
      gain.gain.linearRampToValueAtTime(key === id ? 1 : 0, now + FADE_S);
    }
  }

  // The position that sounds at a context time; before the start, the one that would have.
  positionAt(contextTime) {
    const { when, offset, rate, loop } = this.run;
    const at = Math.max(offset + (contextTime - when) * rate, 0);
    if (!loop) return at;
    const length = loop.end - loop.start;
    return at < loop.end ? at : loop.start + ((at - loop.start) % length);
  }

  // The context time that is audible at a performance.now() time: the one clock the picture is held against.
  audibleAt(performance_ms) {
    const stamp = this.context.getOutputTimestamp();
    if (stamp.contextTime > 0 && stamp.performanceTime > 0)
      return stamp.contextTime + (performance_ms - stamp.performanceTime) / 1000;
    const latency = this.context.outputLatency || this.context.baseLatency || 0;
    return this.context.currentTime - latency + (performance_ms - performance.now()) / 1000;
  }
}

// One lap of a loop whose end runs into its start without a step: the last 5 ms fade into the 5 ms before the start.
function lap(context, buffer, { start, end }) {
  const rate = buffer.sampleRate, first = Math.round(start * rate), length = Math.round((end - start) * rate);
  const copy = context.createBuffer(buffer.numberOfChannels, Math.max(length, 1), rate);
  const fade = Math.min(Math.round(FADE_S * rate), first, length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const from = buffer.getChannelData(channel), to = copy.getChannelData(channel);
    to.set(from.subarray(first, first + length));
    for (let i = 0; i < fade; i += 1) {
      const share = (i + 1) / fade, at = length - fade + i;
      to[at] = to[at] * (1 - share) + from[first - fade + i] * share;
    }
  }
  return copy;
}
