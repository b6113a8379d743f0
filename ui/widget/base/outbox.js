// Saves on their way. Each is kept in this browser until the server has answered that it is committed: a lost connection, a reload,
// a closed tab or a server that dies in between lose nothing, and the save's own id keeps what arrives twice from counting twice.
const PREFIX = "thud.out.";
const PAUSES_MS = [1000, 2000, 4000, 8000, 15000, 30000];
const PATIENCE_MS = 30000;
const SLOW_MS = 300;

// An id that works without a secure context too.
export const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function readAll() {
  const found = [];
  try {
    for (let i = 0; i < localStorage.length; i += 1) {
      const key = localStorage.key(i);
      if (key.startsWith(PREFIX)) found.push(localStorage.getItem(key));
    }
  } catch { return []; }
  return found.map((text) => { try { return JSON.parse(text); } catch { return null; } }).filter((entry) => entry?.id && entry.path && entry.body);
}

async function deliver({ path, body }) {
  let response;
  try {
    response = await fetch(path, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive: true, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return { kind: "saved", answer: await response.json() };
  } catch { return { kind: "away" }; }
  const answer = await response.json().catch(() => ({}));
  const sentence = answer.error || `The server answered ${response.status}.`;
  if (response.status === 507) return { kind: "full", sentence };
  if (response.status === 401) return { kind: "signed_out", sentence };
  if (response.status >= 500 || [408, 425, 429].includes(response.status)) return { kind: "away", sentence };
  return { kind: "refused", sentence, status: response.status, answer };
}

// onsaved(entry, answer), onrefused(entry, {sentence, status, answer}), onchange(): what state() says may be another.
export class Outbox {
  #busy = false;
  #timer = 0;
  #slow = 0;
  #failures = 0;
  #seq = 0;
  #waiting = new Map();   // id → functions to call when its fate is known
  #holds = new Set();     // {seq, done}: what was put after seq waits

  constructor({ person, signal, onsaved, onrefused, onchange }) {
    Object.assign(this, { person, signal, onsaved, onrefused, onchange, entries: new Map(), problem: null, sending: null, slow: false, saved: null, unsafe: false });
    this.#gather();
    const again = () => { this.#failures = 0; this.kick(); };
    window.addEventListener("online", again, { signal });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && this.entries.size > 0) again(); }, { signal });
    window.addEventListener("storage", (event) => { if (event.key?.startsWith(PREFIX)) { this.#gather(); this.onchange(); } }, { signal });
    window.addEventListener("beforeunload", (event) => { if (this.unsafe && this.mine().length > 0) event.preventDefault(); }, { signal });
    this.kick();
  }

  // What storage holds, and what only this page holds because storage is full or off.
  #gather() {
    const stored = readAll();
    const kept = [...this.entries.values()].filter((entry) => entry.inMemory || entry === this.sending);
    this.entries = new Map([...stored, ...kept].sort((a, b) => a.seq - b.seq).map((entry) => [entry.id, this.entries.get(entry.id) ?? entry]));
  }

  mine() { return [...this.entries.values()].filter((entry) => entry.person === this.person); }
  waiting() { return this.mine().filter((entry) => !entry.refused); }
  refused() { return this.mine().filter((entry) => entry.refused); }
  clips() { return this.waiting().map((entry) => entry.clip); }
  get state() { return { waiting: this.waiting().length, refused: this.refused(), problem: this.problem, slow: this.slow, saved: this.saved, unsafe: this.unsafe }; }

  // Kept before anything else happens; sent a moment later, so that the page can go on first. Returns the entry.
  put(path, clip, body, name = "") {
    this.#seq = Math.max(Date.now(), this.#seq + 1);
    const id = newId();
    const entry = { id, seq: this.#seq, person: this.person, path, clip, name, tried: 0, body: { ...body, save_id: id, seq: this.#seq } };
    this.entries.set(id, entry);
    this.#keep(entry);
    setTimeout(() => this.kick());
    return entry;
  }

  #keep(entry) {
    try { localStorage.setItem(PREFIX + entry.id, JSON.stringify(entry)); } catch { entry.inMemory = true; this.unsafe = true; }
  }

  #forget(id) {
    this.entries.delete(id);
    try { localStorage.removeItem(PREFIX + id); } catch { /* it was never there */ }
    this.unsafe = [...this.entries.values()].some((entry) => entry.inMemory);
  }

  // Takes back what was never sent. False when the server may have it.
  withdraw(id) {
    const entry = this.entries.get(id);
    if (!entry || entry.tried > 0) return false;
    this.#forget(id);
    this.onchange();
    return true;
  }

  // Sends a refused save once more. change: what is different now.
  retry(id, change = {}) {
    const entry = this.entries.get(id);
    if (!entry) return;
    delete entry.refused;
    entry.body = { ...entry.body, ...change };
    this.#keep(entry);
    this.kick();
    this.onchange();
  }

  // Gives up a save that the server refused.
  drop(id) { this.#forget(id); this.onchange(); }

  // Resolves with true once a save is with the server, with false when it was refused or does not get there.
  settled(id) {
    if (!this.entries.has(id)) return Promise.resolve(true);
    return new Promise((resolve) => { this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), resolve]); this.kick(); });
  }

  // What is put from now on is sent after `work` has ended, well or badly.
  holdLater(work) {
    const hold = { seq: this.#seq, done: work.catch(() => {}).then(() => { this.#holds.delete(hold); }) };
    this.#holds.add(hold);
  }

  kick() {
    clearTimeout(this.#timer);
    if (this.#busy || this.signal.aborted) return;
    this.#busy = true;
    const run = () => this.#drain();
    // Two tabs share what waits; one of them sends.
    const done = navigator.locks ? navigator.locks.request("thud.outbox", run) : run();
    done.catch(() => {}).finally(() => {
      this.#busy = false;
      if (this.waiting().length > 0 && !this.signal.aborted) this.#timer = setTimeout(() => this.kick(), PAUSES_MS[Math.min(Math.max(this.#failures - 1, 0), PAUSES_MS.length - 1)]);
    });
  }

  async #drain() {
    this.#gather();
    for (let entry = this.waiting()[0]; entry && !this.signal.aborted; entry = this.waiting()[0]) {
      await Promise.all([...this.#holds].filter((hold) => hold.seq < entry.seq).map((hold) => hold.done));
      entry.tried += 1;
      this.#keep(entry);
      this.sending = entry;
      this.#slow = setTimeout(() => { this.slow = true; this.onchange(); }, SLOW_MS);
      const fate = await deliver(entry);
      clearTimeout(this.#slow);
      Object.assign(this, { sending: null, slow: false });
      this.#judge(entry, fate);
      this.onchange();
      if (this.problem) return;
    }
  }

  #judge(entry, { kind, answer, sentence = "", status = 0 }) {
    this.problem = ["away", "full", "signed_out"].includes(kind) ? { kind, sentence } : null;
    if (this.problem) { this.#failures += 1; this.#tell(entry.id, false); return; }
    this.#failures = 0;
    if (kind === "saved") {
      this.#forget(entry.id);
      if (answer.at) this.saved = { at: answer.at, clip: entry.clip };
      this.#tell(entry.id, true);
      this.onsaved(entry, answer);
    } else {
      entry.refused = { sentence, status, answer };
      this.#keep(entry);
      this.#tell(entry.id, false);
      this.onrefused(entry, entry.refused);
    }
  }

  #tell(id, fate) {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(fate);
    this.#waiting.delete(id);
  }
}
