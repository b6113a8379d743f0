// The person's own two marks: set where the clip stands, accepted from a row, dragged or stepped. What is set changes the draft and
// nothing else; all of it can be undone.
import { machineId } from "./calibrate.js";
import { withPicture, withSilence, withSound } from "./marks.js";
import { between } from "../base/numbers.js";
import { toast } from "../base/toast.js";

export const hint = (text, level = "warn") => toast(text, { level });

export class Hand {
  // bench: {engine, ear, timeline, bindings, bundle, draft, veiled, me, change(draft)}.
  constructor(bench) { this.bench = bench; }

  // Taken off marks set while playing: how long the person takes to press, where they asked for it.
  get #reaction_ms() { const { me } = this.bench; return me.delayed ? me.reaction_ms ?? 0 : 0; }
  // And how late this machine's sound comes, as it was measured.
  get #late_ms() { return this.bench.me.machines?.[machineId()]?.sound_late_ms ?? 0; }

  // What was on screen, not what the clock says.
  picture() {
    const { engine, bundle, draft } = this.bench;
    if (!bundle) return;
    const { playing, rate } = engine, { table } = bundle, off_ms = playing ? this.#reaction_ms : 0;
    const shown_s = table.time(playing ? engine.shown?.frame ?? 0 : engine.frame);
    const at_s = off_ms ? table.time(table.at(Math.max(shown_s - (off_ms / 1000) * rate, 0))) : shown_s;
    this.bench.change(withPicture(draft, at_s, playing ? "playing" : "paused", off_ms));
  }

  // event: the key that went down; its own moment counts, not when this page came to it.
  sound(event = null) {
    const { engine, ear, bundle, draft } = this.bench;
    if (!bundle) return;
    const refusal = ear.refusal(this.bench.bindings);
    if (refusal) { hint(refusal); return; }
    const { playing, rate } = engine, off_ms = playing ? this.#reaction_ms + this.#late_ms : 0;
    const heard_s = playing && event?.timeStamp ? engine.positionAt(event.timeStamp) : engine.position;
    this.bench.change(withSound(draft, between(0, heard_s - (off_ms / 1000) * rate, bundle.duration), playing ? "playing" : "paused", off_ms));
  }

  silence() { if (this.bench.bundle) this.bench.change(withSilence(this.bench.draft)); }

  accept(row, lane) {
    const { bench } = this;
    if (!row || !bench.bundle) return;
    if (bench.veiled) { hint("The models' marks are hidden until both of your times are set."); return; }
    const time_s = row.mark?.[lane === "picture" ? "visual_s" : "audio_s"] ?? null;
    if (time_s === null) { hint(`${row.label} has not placed the ${lane} of this clip.`); return; }
    bench.change((lane === "picture" ? withPicture : withSound)(bench.draft, time_s, `accepted:${row.id}`));
    if (!bench.engine.playing) bench.ear.seek(time_s);
  }

  // began: the draft when the marker was taken; done: it was let go.
  drag(lane, time_s, { began, done }) {
    const { bundle, engine, timeline } = this.bench;
    if (!bundle) return;
    const at = between(0, time_s, bundle.duration), picture = lane === "picture";
    const to_s = picture ? nearestFrame(bundle.table, at) : Math.round(at * 1000) / 1000;
    this.bench.change((picture ? withPicture : withSound)(began, to_s, "dragged"));
    if (picture && !engine.playing) engine.seek(to_s);
    if (done) timeline.reveal(to_s);
  }

  // From the keyboard: one frame of the picture, 10 ms of the sound.
  nudge(lane, steps) {
    const { draft, bundle, engine, ear } = this.bench;
    if (lane === "picture") {
      const time_s = bundle.table.time(bundle.table.at(draft.visual_s) + steps);
      this.bench.change(withPicture(draft, time_s, "stepped"));
      if (!engine.playing) ear.seek(time_s);
    } else this.bench.change(withSound(draft, between(0, draft.audio_s + steps / 100, bundle.duration), "stepped"));
  }
}

function nearestFrame(table, at_s) {
  const frame = table.at(at_s), before = table.time(frame), after = table.time(frame + 1);
  return after - at_s < at_s - before ? after : before;
}
