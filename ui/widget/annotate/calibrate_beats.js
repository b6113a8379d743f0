// Gives beats: a flash on a lamp, a click, or both. The flash is drawn by the page and timed by the frame that shows it; the click is
// scheduled on the sound's own clock, so that by the browser's word it is audible at the very moment asked for.
import { audioContext, Deck } from "../sound/sound.js";

const SHOWN_MS = 90;
const AHEAD_MS = 700; // clicks are scheduled this long before: further than a click may lie before its flash
const LOUD = 0.5;

export class Beats {
  #frame = 0;
  #nodes = new Set();

  constructor(lamp) {
    this.lamp = lamp;
    this.deck = new Deck(audioContext());
    this.deck.output.gain.value = LOUD;
    this.click = clickOf(this.deck.context);
  }

  // Resolves to false where the browser lets no sound out.
  async wake() {
    const { context } = this.deck;
    if (context.state !== "running") await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 2000))]);
    return context.state === "running";
  }

  // times: an iterator of performance.now() moments, an endless one until stop(). early_ms(): how long before its flash a click is asked for.
  // onflash(i, shown_ms): the frame with flash i is on screen. ondone(): the last beat's time for a press is over.
  run(times, { flash, click, early_ms = () => 0, onflash = () => {}, ondone = () => {} }) {
    this.stop();
    const coming = [], source = times[Symbol.iterator]();
    let next = source.next(), lit = null, last = 0, count = 0;
    const step = (now) => {
      while (!next.done && next.value - now < AHEAD_MS) {
        coming.push({ at: next.value, index: count });
        last = next.value;
        count += 1;
        if (click) this.#schedule(next.value - early_ms());
        next = source.next();
      }
      if (lit && !lit.told) { lit.told = true; onflash(lit.index, now); } // the frame in which it was lit is on screen by now
      if (lit && now - lit.since > SHOWN_MS) { lit = null; this.lamp.classList.remove("on"); }
      if (coming.length && now >= coming[0].at) {
        const { index } = coming.shift();
        if (flash) { lit = { since: now, index, told: false }; this.lamp.classList.add("on"); }
      }
      if (next.done && !coming.length && now > last + 1000) { this.stop(); ondone(); return; }
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #schedule(audible_ms) {
    const { context } = this.deck, source = context.createBufferSource();
    source.buffer = this.click;
    source.connect(this.deck.output);
    source.start(Math.max(context.currentTime, this.deck.audibleAt(audible_ms)));
    this.#nodes.add(source);
    source.onended = () => { this.#nodes.delete(source); source.disconnect(); };
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.lamp.classList.remove("on");
    for (const source of this.#nodes) source.stop();
    this.#nodes.clear();
  }

  close() { this.stop(); this.deck.output.disconnect(); }
}

// 25 ms that begin at full strength: what the ear places best.
function clickOf(context) {
  const rate = context.sampleRate, buffer = context.createBuffer(1, Math.round(0.025 * rate), rate), samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i += 1) samples[i] = Math.cos((2 * Math.PI * 1800 * i) / rate) * Math.exp(-i / (0.004 * rate));
  return buffer;
}
