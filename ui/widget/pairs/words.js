// What people decide about pairs: approved, dropped, or neither. Every decision is kept in this browser until the server has it (outbox.js).
import { Outbox } from "../base/outbox.js";

const PATH = "/api/pairs/word";

export class Words {
  // onchange(): what state() or wordOf() says may be another. onrefused(sentence).
  constructor({ person, signal, onchange, onrefused }) {
    this.undone = []; // {id, n, before}, the newest last
    this.known = new Map(); // pair id → word, as the server has taken it since this page was opened
    this.outbox = new Outbox({
      person: `pairs:${person}`, signal, onchange,
      onsaved: (entry) => { this.known.set(entry.clip, entry.body.word); onchange(); },
      onrefused: (entry, { sentence }) => { this.outbox.drop(entry.id); onrefused(sentence); },
    });
  }

  // row: {id, n, word: as the server said it}.
  say(row, word) {
    const before = this.of(row);
    if (before === word) return false;
    this.undone.push({ id: row.id, n: row.n, before });
    this.outbox.put(PATH, row.id, { id: row.id, word });
    return true;
  }

  // Takes the last decision back and returns its row's number, or null.
  undo() {
    const last = this.undone.pop();
    if (!last) return null;
    this.outbox.put(PATH, last.id, { id: last.id, word: last.before });
    return last.n;
  }

  waitingFor(id) { return this.outbox.waiting().findLast((entry) => entry.clip === id) ?? null; }
  of(row) { return this.waitingFor(row.id)?.body.word ?? this.known.get(row.id) ?? row.word; }
  get waiting() { return this.outbox.waiting().length; }
  get problem() { return this.outbox.problem; }
  settle() { return Promise.all(this.outbox.waiting().map((entry) => this.outbox.settled(entry.id))).then((fates) => fates.every(Boolean)); }
}
