// What becomes of a clip: saved, discarded, skipped, taken back. A save is kept in the outbox first, then the next clip is shown, and
// only then the network is asked; nothing here waits for it.
import { openDiscard } from "./dialogs.js";
import { hint } from "./hand.js";
import { post } from "../base/api.js";
import { machineId } from "./calibrate.js";
import { Drafts } from "./drafts.js";
import { changed, complete, fromMark, saveBody, stepBack } from "./marks.js";
import { toast } from "../base/toast.js";

const REMEMBERED = 20;
const AWAY = "The server does not answer, so the save cannot be taken back now. Your times are here: save them again to correct it.";

export class Sender {
  // bench: {task, draft, bundle, engine, queue, outbox, progress, show(task), showNone(kind), wait(), change(draft), setProgress(progress)}.
  constructor(bench, { person, adjudicates }) {
    // what one decides is apart from what one marks: undo takes back its own kind only
    Object.assign(this, { bench, adjudicates, drafts: new Drafts(adjudicates ? `${person}/adjudicates` : person), past: new Map() });
  }

  save(event = null) {
    const { task, draft } = this.bench;
    if (!task || event?.repeat) return;
    if (!complete(draft)) { hint(draft.visual_s === null ? "The picture is not set yet: stop where you see it and set it." : "The sound is not set yet: set it, or say that there is none."); return; }
    this.#submit(draft.silent ? "no_sound" : "placed");
  }

  discard() {
    const { bench } = this, { task } = bench;
    if (!task) return;
    bench.engine.pause();
    openDiscard(bench.node, { ondiscard: (reason) => { if (bench.task === task) this.#submit("discarded", reason); } });
  }

  #submit(verdict, reason = "") {
    const { task, draft, engine, outbox, clipName } = this.bench, { outputLatency, baseLatency } = engine.context;
    const times = verdict === "discarded" ? { ...draft, visual_s: null, audio_s: null } : draft;
    const body = saveBody(task.clip, times, { verdict, reason, machine: machineId(), latency_ms: Math.round(1000 * (outputLatency || baseLatency || 0)) });
    const entry = this.adjudicates ? outbox.put("/api/tasks/adjudicate", task.clip, { ...body, expects: task.expects ?? 0 }, clipName) : outbox.put("/api/marks", task.clip, body, clipName);
    if (this.adjudicates) this.#note(task.clip, draft.note);
    this.drafts.drop(task.clip);
    this.#leave(task, entry.id, draft);
    this.#count(task);
    this.advance();
    if (verdict === "discarded") toast(`${clipName} discarded: ${reason}`, { action: { label: "Undo", run: () => this.undo() } });
  }

  skip() {
    const { task, draft, queue } = this.bench;
    if (!task) return;
    this.#note(task.clip, draft.note);
    this.#leave(task, null, draft);
    queue.skip(task.clip);
    this.advance();
  }

  // A note that goes without a mark.
  #note(clip, text) { if (text.trim()) this.bench.outbox.put("/api/notes", clip, { id: `${clip}-${Date.now()}`, clip, text }, this.bench.clipName); }

  #leave(task, save, draft) {
    this.drafts.pushSave({ clip: task.clip, save, draft });
    this.past.delete(task.clip);
    this.past.set(task.clip, task);
    if (this.past.size > REMEMBERED) this.past.delete(this.past.keys().next().value);
  }

  // Until the server has counted.
  #count(task) {
    const { progress } = this.bench;
    if (!progress || task.mine) return;
    const less = (count) => Math.max(count - 1, 0);
    this.bench.progress = this.adjudicates ? { ...progress, waiting_adjudication: less(progress.waiting_adjudication) } : { ...progress, mine: progress.mine + 1, remaining: less(progress.remaining) };
  }

  advance() {
    const { bench } = this, next = bench.queue.next();
    bench.setProgress(bench.progress);
    if (next) bench.show(next);
    else if (bench.queue.empty) bench.showNone("empty");
    else { bench.wait(); bench.task = null; }
    setTimeout(() => bench.queue.fill(true));
  }

  undo() {
    const { bench } = this;
    if (bench.task && changed(bench.draft)) bench.change(stepBack(bench.draft));
    else this.#takeBack();
  }

  // The last save comes back to the page as it was before Enter; the server takes its own back too.
  async #takeBack() {
    const last = this.drafts.popSave(), { bench } = this;
    if (!last) { hint("There is nothing to undo.", "info"); return; }
    const known = this.past.get(last.clip) ?? null;
    if (known) { this.drafts.set(last.clip, last.draft); bench.queue.putBack(known); bench.show(known); }
    if (last.save && !bench.outbox.withdraw(last.save)) {
      if (this.adjudicates) { hint(known ? "Decide again to change it: what you decided stands until then." : "What was decided before this page was opened stays.", "info"); return; }
      if (!(await this.#undoneThere(last, known))) return;
    }
    if (!known) { this.drafts.set(last.clip, last.draft); await this.open(last.clip); }
  }

  // The server's own undo. What is saved from now on waits for it, else it would be that which is taken back.
  async #undoneThere({ clip, save }, known) {
    const { bench } = this;
    const work = bench.outbox.settled(save).then((there) => { if (!there) throw new Error(AWAY); return post("/api/marks/undo", { clip }); });
    bench.outbox.holdLater(work);
    try {
      const { mine, progress } = await work;
      bench.setProgress(progress);
      if (known) known.mine = mine;
      if (mine && bench.task === known && !changed(bench.draft)) bench.change(fromMark(mine));
      return true;
    } catch (error) { hint(error.message, "bad"); return false; }
  }

  // The clip that was saved last, as it is saved.
  lookBack() {
    const last = this.drafts.saves().findLast((one) => one.save);
    if (last) this.open(last.clip); else hint("Nothing was saved from this browser yet.", "info");
  }

  // One clip now, whatever the queue says.
  async open(clip) {
    const { queue } = this.bench;
    await queue.fill(true, clip);
    const task = queue.ahead.find((one) => one.clip === clip);
    if (!task) { hint("This clip is not to be had now: somebody else may be at it."); return; }
    queue.putBack(task);
    this.bench.show(task);
  }
}
