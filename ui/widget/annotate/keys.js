// The keys of the workbench, and those of them that stand below it.
import { nextRate } from "../sound/player.js";

const NAMES = ["Gemini", "GPT", "Claude", "signal"];

export function bindingsOf(bench) {
  const { engine, ear, hand, sender } = bench;
  const key = (id, name, label, run, hidden = false) => ({ id: `annotate.${id}`, key: name, label, run, hidden });
  const move = (by) => () => ear.seek(engine.position + by);
  const accept = (lane, id, words, prefix) => Array.from({ length: 9 }, (_, i) =>
    key(`${id}-${i + 1}`, `${prefix}${i + 1}`, NAMES[i] ? `Take ${NAMES[i]}'s ${words}` : `Take the ${words} of row ${i + 1}`, () => hand.accept(bench.rows[i], lane), i >= NAMES.length));
  return [
    key("play", " ", "Play or pause", () => engine.toggle()),
    key("frame-back", ",", "One frame back", () => engine.step(-1)), key("frame", ".", "One frame forward", () => engine.step(1)),
    key("back", "ArrowLeft", "10 ms back", move(-0.01)), key("on", "ArrowRight", "10 ms forward", move(0.01)),
    key("back-far", "Shift+ArrowLeft", "100 ms back", move(-0.1)), key("on-far", "Shift+ArrowRight", "100 ms forward", move(0.1)),
    key("picture", "v", "Picture event is here", () => hand.picture()), key("sound", "a", "Sound event is here", (event) => hand.sound(event)),
    key("silence", "n", "There is no sound event", () => hand.silence()),
    ...accept("picture", "accept", "picture time", ""), ...accept("sound", "accept-sound", "sound time", "Shift+"),
    key("flip", "b", "Flip between the original and the last edited sound", () => ear.flip()),
    key("sound-before", "[", "Previous sound", () => ear.next(-1)), key("sound-after", "]", "Next sound", () => ear.next(1)),
    key("loop", "l", "Loop half a second around your marks, or the selection", () => ear.loop()),
    key("zoom-in", "+", "Zoom in", () => bench.timeline.zoom(0.6)), key("zoom-in-too", "=", "Zoom in", () => bench.timeline.zoom(0.6), true), key("zoom-out", "-", "Zoom out", () => bench.timeline.zoom(1 / 0.6)),
    key("rate", "r", "Speed 1×, 0.5×, 0.25×; slower drops the pitch", () => engine.setRate(nextRate(engine.rate))),
    key("save", "Enter", "Save and go to the next clip", (event) => sender.save(event)), key("discard", "d", "Discard the clip, with a reason", () => sender.discard()),
    key("skip", "s", "Skip the clip", () => sender.skip()), key("undo", "u", "Undo; with nothing set, take the last save back", () => sender.undo()),
    key("note", "t", "Write a note", () => bench.actions.note.focus()), key("history", "h", "History of this clip", () => bench.showHistory()),
    key("calibrate", "c", "Measure how late this machine's sound is", () => bench.oncalibrate()),
  ];
}

const id = (...names) => names.map((name) => `annotate.${name}`);
export const KEYS_SHOWN = [[id("play"), "play"], [id("frame-back", "frame"), "frame"], [id("flip"), "flip to original"], [id("sound-after"), "next sound"], [id("picture"), "picture here"],
  [id("sound"), "sound here"], [id("silence"), "no sound"], [id("loop"), "loop ±0.5 s"], [id("zoom-in", "zoom-out"), "zoom"]];
