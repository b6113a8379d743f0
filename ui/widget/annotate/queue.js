// The clips to do: the one on the page and the next few, held for this person. Filled beside the work; the page never waits for it
// unless it has run out.
import { post } from "../base/api.js";

const AHEAD = 4;
const MOST_HELD = 16;        // as many as the server lets one person hold
const RENEW_MS = 60000;
const AGAIN_MS = [2000, 5000, 10000, 20000];

// onchange(answer): new tasks, progress or settings came; answer.stale: its progress may not count a save of this page. onfail(error). passing(): clips
// whose save has not arrived yet. saves: how many have; the page counts them.
export class Queue {
  #asking = null;
  #timer = 0;
  #failures = 0;

  constructor({ adjudicates, signal, passing, onchange, onfail }) {
    Object.assign(this, { adjudicates, signal, passing, onchange, onfail, ahead: [], current: null, empty: false, skipped: new Set(), saves: 0 });
    this.renewing = setInterval(() => { if (!document.hidden) this.fill(true); }, RENEW_MS);
    window.addEventListener("pagehide", () => this.release(), { signal });
    window.addEventListener("pageshow", (event) => { if (event.persisted) this.fill(true); }, { signal });
    signal.addEventListener("abort", () => { clearInterval(this.renewing); clearTimeout(this.#timer); });
  }

  held() { return [this.current, ...this.ahead].filter(Boolean).map((task) => task.clip); }

  // The next clip, now the current one; null when none is here.
  next() {
    this.current = this.ahead.shift() ?? null;
    return this.current;
  }

  // Back to a clip from before: what was current comes right after it.
  putBack(task) {
    if (this.current && this.current.clip !== task.clip) this.ahead.unshift(this.current);
    this.ahead = this.ahead.filter((one) => one.clip !== task.clip);
    this.current = task;
  }

  // Asks for as many as are missing; always: even for none, to renew what is held. clip: this one first.
  fill(always = false, clip = null) {
    clearTimeout(this.#timer);
    const count = Math.max(AHEAD - this.ahead.length, 0);
    if (this.#asking) return this.#asking.then(() => (clip || this.ahead.length < 2 ? this.#once(count, clip) : null));
    return count > 0 || always || clip ? this.#once(count, clip) : Promise.resolve();
  }

  #once(count, clip) {
    if (this.#asking) return this.#asking;
    this.#asking = this.#ask(count, clip).finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #ask(count, clip) {
    const path = this.adjudicates ? "/api/tasks/adjudicate/next" : "/api/tasks";
    const have = [...this.held(), ...this.passing()].slice(0, MOST_HELD);
    const before = this.saves, waiting = this.passing().length;
    let answer;
    try { answer = await post(path, this.adjudicates ? { count, have } : { count: clip ? Math.max(count, 1) : count, have, clip }); } catch (error) {
      this.#again();
      this.onfail(error);
      return;
    }
    this.#failures = 0;
    const known = new Set([...this.held(), ...this.passing(), ...this.skipped].filter((id) => id !== clip));
    const fresh = answer.tasks.filter((task) => !known.has(task.clip));
    if (clip) this.ahead.unshift(...fresh); else this.ahead.push(...fresh);
    this.empty = this.ahead.length === 0;
    if (this.empty && !this.current) this.#again();
    this.onchange({ ...answer, stale: waiting > 0 || this.passing().length > 0 || before !== this.saves });
  }

  #again() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fill(true), AGAIN_MS[Math.min(this.#failures++, AGAIN_MS.length - 1)]);
  }

  // Not this clip now: it goes back to the others, and comes again after them; what was to be decided comes when the page does.
  skip(clip) {
    this.skipped.add(clip);
    const again = () => { if (!this.adjudicates) this.skipped.delete(clip); this.fill(true); };
    post("/api/tasks/skip", { clip }).catch(() => {}).finally(again);
  }

  release() {
    const clips = this.held();
    if (clips.length > 0) navigator.sendBeacon("/api/tasks/release", new Blob([JSON.stringify({ clips })], { type: "application/json" }));
  }
}
