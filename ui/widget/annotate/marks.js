// What a person has placed on one clip so far. Pure: every change is a new draft that remembers the one before, for undo.
// A draft: {visual_s, audio_s, silent: no sound event, how: {visual, audio}, taken: {visual, audio}: ms taken off for reaction and
// lateness, note, first: the blind mark, heard: ids of the sounds listened to, steps: earlier [times] for undo}.
const LONGEST_UNDO = 50;
export const BLANK = { visual_s: null, audio_s: null, silent: false, how: {}, taken: {}, note: "", first: null, heard: [], steps: [] };
const SHOWN = ["visual_s", "audio_s", "silent", "how", "taken"];
const times = (draft) => Object.fromEntries(SHOWN.map((key) => [key, draft[key]]));

// at_s: to the microsecond, so that a frame's time stays that frame's. off_ms: what was taken off already.
const placed = (draft, change) => ({ ...draft, ...change, steps: [...draft.steps, times(draft)].slice(-LONGEST_UNDO) });
const grain = (value) => Math.round(value * 1e6) / 1e6;
const without = (row, key) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== key));

export const withPicture = (draft, at_s, how, off_ms = 0) =>
  placed(draft, { visual_s: grain(at_s), how: { ...draft.how, visual: how }, taken: { ...draft.taken, visual: off_ms } });
export const withSound = (draft, at_s, how, off_ms = 0) =>
  placed(draft, { audio_s: grain(at_s), silent: false, how: { ...draft.how, audio: how }, taken: { ...draft.taken, audio: off_ms } });
// A second press takes "no sound" back.
export const withSilence = (draft) =>
  placed(draft, { audio_s: null, silent: !draft.silent, how: without(draft.how, "audio"), taken: without(draft.taken, "audio") });

export const stepBack = (draft) => (draft.steps.length > 0 ? { ...draft, ...draft.steps.at(-1), steps: draft.steps.slice(0, -1) } : draft);
export const changed = (draft) => draft.steps.length > 0;
export const complete = (draft) => draft.visual_s !== null && (draft.audio_s !== null || draft.silent);
export const touched = (draft) => draft.visual_s !== null || draft.audio_s !== null || draft.silent || draft.note !== "";
export const withFirst = (draft) => (draft.first ? draft : { ...draft, first: { visual_s: draft.visual_s, audio_s: draft.audio_s } });
export const withHeard = (draft, id) => (draft.heard.includes(id) ? draft : { ...draft, heard: [...draft.heard, id] });

// What is saved already, as a draft to go on from.
export function fromMark(mark) {
  if (!mark || mark.verdict === "discarded") return BLANK;
  const { how = {}, heard = [], first = null } = mark.detail ?? {};
  return { ...BLANK, visual_s: mark.visual_s, audio_s: mark.audio_s, silent: mark.verdict === "no_sound", how, heard, first };
}

// Drafts at rest: text that any older version of this page, or a broken disk, may have written.
export function fromText(text) {
  try {
    const row = JSON.parse(text);
    const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
    if (typeof row !== "object" || row === null) return null;
    const steps = Array.isArray(row.steps) ? row.steps.filter((step) => step && "visual_s" in step) : [];
    return { ...BLANK, ...row, visual_s: number(row.visual_s), audio_s: number(row.audio_s), silent: row.silent === true, note: String(row.note ?? ""), heard: Array.isArray(row.heard) ? row.heard : [], how: row.how ?? {}, taken: row.taken ?? {}, steps };
  } catch { return null; }
}

// The body of POST /api/marks, but for its id and number.
export function saveBody(clip, draft, { verdict, reason = "", machine, latency_ms }) {
  const detail = { how: draft.how, heard: draft.heard, machine, latency_ms };
  const taken = Object.fromEntries(Object.entries(draft.taken).filter(([, ms]) => ms).map(([lane, ms]) => [lane, ms / 1000]));
  if (Object.keys(taken).length > 0) detail.corrected_s = taken;
  if (draft.first) detail.first = draft.first;
  return { clip, visual_s: draft.visual_s, audio_s: draft.silent ? null : draft.audio_s, verdict, reason, note: draft.note, detail };
}

// How far an annotator is from a person's time, and whether that is more than is tolerated.
export function apart(theirs_s, yours_s, limit_s) {
  if (theirs_s === null || theirs_s === undefined || yours_s === null) return { by_s: null, far: false };
  const by_s = theirs_s - yours_s;
  return { by_s, far: Math.abs(by_s) > limit_s + 1e-9 };
}
