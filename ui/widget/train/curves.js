// What the charts of a run show, from the lines of its journal.
import { icon } from "../base/icons.js";
import { percent } from "../results/parts.js";
import { smooth } from "./chart.js";

// Expected answers, the glyph and colour of the condition that they belong to, and the line they are drawn with.
const CLASSES = {
  muted: { words: "muted", look: "muted", dash: "7 2 2 2", dot: "ho" }, synced: { words: "original", look: "original", dash: null, dot: "" }, delayed: { words: "delayed", look: "delayed", dash: "2 3", dot: "di" },
  early: { words: "early", look: "early", dash: "6 3", dot: "" }, mismatched: { words: "swapped", look: "swapped", dash: "1 2", dot: "sq" }, audio_described: { words: "heard", look: "original", dash: "4 2", dot: "ho" },
};
const OTHER = { look: "text-2", dash: "3 3", dot: "ho" };
const SMOOTHED_OVER = 12; // at most; a twelfth of the run where that is less

// The lines so far. begun again where the run went back to a checkpoint.
export class Journal {
  constructor() { this.clear(); }
  clear() { this.steps = []; this.rounds = []; this.checkpoints = []; this.alerts = []; this.begin = null; this.end = null; }

  take(lines) {
    for (const line of lines) {
      const list = { step: this.steps, held_out: this.rounds, checkpoint: this.checkpoints, alert: this.alerts }[line.event];
      list?.push(line);
      if (line.event === "begin") { this.begin = line; this.end = null; }
      if (line.event === "end") this.end = line;
    }
  }

  get step() { return this.steps.at(-1)?.step ?? this.begin?.from_step ?? 0; }
  line(name) { return this.steps.filter((one) => Number.isFinite(one[name])).map((one) => [one.step, one[name]]); }
}

// run: {stage, of}. floor: {value, words}|null, drawn where the held-out answers are. → plots for Chart, the first ones always shown.
export function plotsOf(journal, run, floor = null) {
  const of = Math.max(run.of, journal.begin?.of ?? 0, journal.step, 1), base = { of, now: journal.step, dots: [], ends: [], rule: null }, over = Math.max(3, Math.min(SMOOTHED_OVER, of / 12));
  const wavy = (name, colour) => [{ name: "", points: journal.line(name), colour: "--text-3", thin: true, silent: true }, { name: "mean", points: smooth(journal.line(name), over), colour }];
  const plot = (title, lead, lines, more = {}) => ({ ...base, title, lead, lines, ...more });
  const loss = plot("Loss", "training; rings are held-out", named(wavy("loss", "--text"), "loss"), { dots: journal.rounds.filter(({ loss: value }) => Number.isFinite(value)).map((one) => ({ step: one.step, value: one.loss, cls: "ho" })), note: "thin: each step; thick: mean" });
  const preference = [
    plot("Preference margin", "reward, chosen − rejected", named(wavy("margin", "--text"), "margin"), { note: "0: no preference yet", noteLow: true }),
    plot("Log-probability", "sum over the answer", [{ name: "chosen", points: smooth(journal.line("chosen"), over), colour: "--text" }, { name: "rejected", points: smooth(journal.line("rejected"), over), colour: "--text-2", dash: "5 4" }], { digits: 1, ends: lastOf(journal, over) }),
  ];
  const more = [
    plot("Pairs told apart", "share of a step's pairs, %", named(wavy("accuracy", "--text").map(scaled), "right"), { low: 0, high: 100, digits: 0 }),
    plot("Gradient", "norm, before it is clipped", named(wavy("grad_norm", "--text"), "norm"), {}),
    plot("Time", "seconds a step", named(wavy("seconds", "--text"), "seconds"), { digits: 2, low: 0 }),
  ];
  const heard = heldOut(journal, base, floor);
  return run.stage === "dpo" ? { first: [loss, preference[0], preference[1], heard], more } : { first: [loss, heard], more: more.slice(1) };
}

const named = ([thin, mean], name) => [{ ...thin, name, silent: false }, mean];
const scaled = (line) => ({ ...line, points: line.points.map(([step, value]) => [step, 100 * value]) });

function lastOf(journal, over) {
  return ["chosen", "rejected"].map((name) => [name, smooth(journal.line(name), over).at(-1)]).filter(([, last]) => last).map(([name, last]) => ({ value: last[1], words: `${name}, ${name === "chosen" ? "solid" : "dashed"}` }));
}

// Right answers of each class, and of all together, per cent.
function heldOut(journal, base, floor) {
  const rounds = journal.rounds.filter(({ n }) => n?.all), last = rounds.at(-1), names = [...new Set(rounds.flatMap(({ accuracy }) => Object.keys(accuracy)))].filter((name) => name !== "all");
  const points = (name) => rounds.filter(({ accuracy }) => name in accuracy).map((one) => [one.step, 100 * one.accuracy[name]]), lookOf = (name) => ({ words: name.replaceAll("_", " "), ...OTHER, ...CLASSES[name] });
  const lines = names.map((name) => ({ name: lookOf(name).words, points: points(name), colour: `--${lookOf(name).look}`, dash: lookOf(name).dash })), end = (name) => points(name).at(-1)?.[1];
  const ends = names.map((name) => ({ value: end(name), cls: lookOf(name).look, icon: CLASSES[name] ? icon(lookOf(name).look) : null, words: `${lookOf(name).words} ${percent(end(name) / 100, 0)}` }));
  const all = names.length > 1 ? [{ name: "all", points: points("all"), colour: "--accent" }] : [];
  return {
    ...base, title: "Held-out accuracy", lead: last ? `${last.n.all} questions, by expected answer, %` : "nothing was asked yet", lines: [...lines, ...all], low: 0, high: 100, digits: 0,
    dots: names.flatMap((name) => points(name).map(([step, value]) => ({ step, value, cls: lookOf(name).dot, colour: `--${lookOf(name).look}` }))),
    ends: last ? [...ends, ...(all.length ? [{ value: end("all"), cls: "all", words: `all ${percent(end("all") / 100, 0)}` }] : [])] : [], rule: last && floor ? { value: 100 * floor.value, words: floor.words } : null,
  };
}
