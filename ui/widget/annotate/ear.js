// Which sound is heard, and where: choosing, flipping, looping and seeking, the same for everything that asks for it.
import { keyWord } from "../base/help.js";
import { keyOf } from "../base/keys.js";
import { soundName } from "../sound/player.js";

const LOOP_S = 0.5;

export class Ear {
  // loopAround(): the times that a loop is put around.
  constructor(engine, { loopAround }) { Object.assign(this, { engine, loopAround, timeline: null, bundle: null, lastEdit: null }); }

  get sounds() { return this.bundle?.data.sounds ?? []; }
  get row() { return this.sounds.find((row) => row.id === this.engine.sound) ?? null; }

  show(bundle) {
    this.bundle = bundle;
    this.timeline.setSound(this.row);
  }

  hear(id) {
    const row = this.sounds.find((one) => one.id === id);
    if (!row) return;
    this.engine.select(id);
    if (row.condition !== "original") this.lastEdit = { condition: row.condition, asked: row.asked };
    this.timeline.setSound(row);
  }

  next(by) {
    const { sounds } = this;
    if (sounds.length > 0) this.hear(sounds[(sounds.indexOf(this.row) + by + sounds.length) % sounds.length].id);
  }

  // Between the original and the sound last chosen beside it, on this clip or one before.
  flip() {
    const { sounds, lastEdit: like } = this;
    const edit = sounds.find((row) => like && row.condition === like.condition && row.asked === like.asked) ?? sounds.find((row) => row.condition === like?.condition) ?? sounds[1];
    const to = this.row === sounds[0] ? edit : sounds[0];
    if (to) this.hear(to.id);
  }

  // Why no sound mark can be set now, in words; null when it can.
  refusal(bindings) {
    if (this.sounds.length === 0) return "This clip has no sound to place. Say that there is no sound event.";
    const { row } = this;
    if (!row || row.condition === "original") return null;
    const cap = (id) => keyWord(keyOf(bindings.find((one) => one.id === id)));
    return `Marks are times of the original, and you hear ${soundName(row)}. Press ${cap("annotate.flip")} for the original, then ${cap("annotate.sound")}.`;
  }

  seek(time_s) {
    this.engine.seek(time_s);
    if (!this.engine.playing) this.timeline.reveal(this.engine.position);
  }

  loop() {
    const { engine } = this;
    if (!engine.media) return;
    if (engine.loop) { engine.setLoop(null); return; }
    const times = this.loopAround(), around = times.length > 0 ? times : [engine.position];
    engine.setLoop(this.timeline.selection ?? { start: Math.min(...around) - LOOP_S, end: Math.max(...around) + LOOP_S });
    engine.play();
  }
}
