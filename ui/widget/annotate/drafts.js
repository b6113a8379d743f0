// What is set but not saved yet, clip by clip, and the last saves, so that undo finds them after a reload. In this browser only.
import { BLANK, fromText, touched } from "./marks.js";

const KEPT = 300;
const SAVES = 30;

export class Drafts {
  constructor(person) {
    Object.assign(this, { prefix: `thud.draft.${person}.`, trail: `thud.trail.${person}`, memory: new Map() });
    this.#prune();
  }

  get(clip) {
    let text = this.memory.get(clip) ?? null;
    try { text = localStorage.getItem(this.prefix + clip) ?? text; } catch { /* storage is off: drafts last for this page */ }
    return text === null ? null : fromText(text);
  }

  // The time it was kept makes the oldest go first.
  set(clip, draft) {
    if (!touched(draft) && draft.steps.length === 0) { this.drop(clip); return; }
    const text = JSON.stringify({ ...draft, kept: Date.now() });
    this.memory.set(clip, text);
    try { localStorage.setItem(this.prefix + clip, text); } catch { /* as above */ }
  }

  drop(clip) {
    this.memory.delete(clip);
    try { localStorage.removeItem(this.prefix + clip); } catch { /* as above */ }
  }

  #prune() {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
      if (keys.length <= KEPT) return;
      const age = (key) => { try { return JSON.parse(localStorage.getItem(key)).kept ?? 0; } catch { return 0; } };
      for (const key of keys.sort((a, b) => age(a) - age(b)).slice(0, keys.length - KEPT)) localStorage.removeItem(key);
    } catch { /* as above */ }
  }

  // ---- the last saves, newest last: {clip, save, draft}
  saves() {
    try { return (JSON.parse(localStorage.getItem(this.trail)) ?? []).map((row) => ({ ...row, draft: fromText(JSON.stringify(row.draft)) ?? BLANK })); } catch { return this.recent ?? []; }
  }

  #write(rows) {
    this.recent = rows.slice(-SAVES);
    try { localStorage.setItem(this.trail, JSON.stringify(this.recent)); } catch { /* as above */ }
  }

  pushSave(row) { this.#write([...this.saves().filter((one) => one.clip !== row.clip), row]); }
  popSave() { const rows = this.saves(), last = rows.pop() ?? null; this.#write(rows); return last; }
}
