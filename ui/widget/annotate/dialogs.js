// The dialogs of the workbench: discard with a reason, the history of a clip, a save that the server refused.
import { get } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { el, replace, seconds } from "../base/dom.js";
import { icon } from "../base/icons.js";

export const REASONS = ["Moment is hidden or drawn out", "Sound weak, masked or not tied to the picture", "Swapped sound is unrelated at first glance", "Swapped sound is too alike to tell", "Clip is damaged"];

// Digits choose, Enter confirms. ondiscard(reason).
export function openDiscard(root, { ondiscard }) {
  const radios = REASONS.map((text, index) => el("input", { type: "radio", name: "reason", value: text, id: `reason-${index + 1}` }));
  const rows = REASONS.map((text, index) => el("label", { class: "reason", for: `reason-${index + 1}` }, radios[index], el("kbd", { "aria-hidden": "true" }, String(index + 1)), el("span", {}, text)));
  const said = el("p", { class: "sm bad", role: "alert" });
  const confirm = (event) => {
    event?.preventDefault();
    if (event?.repeat) return; // the Enter that is still down from before
    const chosen = radios.find((radio) => radio.checked);
    if (!chosen) { said.textContent = "Choose a reason: press 1 to 5."; return; }
    dialog.close();
    ondiscard(chosen.value);
  };
  const choose = (index) => { radios[index].checked = true; radios[index].focus(); said.textContent = ""; };
  const keys = [...REASONS.map((text, index) => ({ id: `reason.${index + 1}`, key: String(index + 1), label: text, run: () => choose(index) })), { id: "reason.go", key: "Enter", label: "Discard", run: confirm }];
  const form = el("form", { class: "pb col", onsubmit: confirm }, el("div", { class: "col g4", role: "radiogroup", "aria-label": "Reason" }, rows), said,
    el("div", { class: "row" }, el("button", { class: "btn x", type: "submit" }, "Discard clip ", el("kbd", { "aria-hidden": "true" }, "↵")), el("button", { class: "btn q", type: "button", onclick: () => dialog.close() }, "Keep it")));
  const dialog = openDialog(root, { title: "Discard, with a reason", cls: "small", body: form, keys });
  radios[0].focus();
  return dialog;
}

const stamp = (at) => new Date(at).toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });

// Who did what to this clip, when, and who undid it.
export async function openHistory(root, { clip, title }) {
  const body = el("div", { class: "tw hist" }, el("div", { class: "pb col" }, el("div", { class: "sk" }), el("div", { class: "sk", style: { width: "60%" } })));
  openDialog(root, { title: "History", lead: el("span", { class: "t2 clip" }, title), cls: "narrow", body });
  let events;
  try { ({ events } = await get(`/api/clips/${encodeURIComponent(clip)}/history`)); } catch (error) { replace(body, el("p", { class: "pb bad" }, error.message)); return; }
  if (events.length === 0) { replace(body, el("p", { class: "pb t3" }, "Nothing has happened to this clip yet.")); return; }
  const rows = events.map((event) => el("tr", { class: event.undone_by ? "undone" : null }, el("td", { class: "t3" }, stamp(event.at)), el("td", {}, event.actor || "–"),
    el("td", { class: "wrap" }, event.what, event.undone_by && el("span", { class: "t3" }, ` · undone by ${event.undone_by}`))));
  replace(body, el("table", {}, el("thead", {}, el("tr", {}, ["when", "who", "what"].map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, rows)));
}

// A save that the server did not take. It stays in this browser until the person has said what becomes of it.
// does: {open(), again(change), drop()}.
export async function openRefused(root, entry, { title, does }) {
  const { visual_s, audio_s, verdict, reason } = entry.body, { sentence, status } = entry.refused;
  const row = (who, ...cells) => el("tr", {}, el("td", { class: "t3" }, who), cells);
  const yours = row("Yours", el("td", { class: "wrap" }, verdict === "discarded" ? `Discarded: ${reason}` : `picture ${seconds(visual_s)}, sound ${seconds(audio_s)}`));
  const rows = el("tbody", {}, yours), acts = el("div", { class: "row" });
  const act = (cls, label, run) => el("button", { class: `btn ${cls}`, type: "button", onclick: () => { dialog.close(); run(); } }, label);
  const body = el("div", { class: "pb col g12" }, el("p", { class: "st bad" }, icon("x"), el("span", {}, sentence)), el("table", { class: "c" }, rows), acts);
  const dialog = openDialog(root, { title: status === 409 ? "Changed meanwhile" : "Not saved", lead: el("span", { class: "t2 clip" }, title), cls: "narrow", body });
  if (status !== 409) { replace(acts, act("p", "Open the clip", does.open), act("", "Send it again", () => does.again({})), act("q x", "Give mine up", does.drop)); return; }
  const now = await decided(entry.clip);
  if (now) rows.prepend(row(`${now.actor}, ${stamp(now.at)}`, el("td", { class: "wrap" }, now.what)));
  replace(acts, act("p", "Keep what is there", does.drop), act("", "Put mine in force", () => does.again({ expects: now?.ev_id ?? 0 })));
}

// The decision in force on a clip, or null.
async function decided(clip) {
  try {
    const { events } = await get(`/api/clips/${encodeURIComponent(clip)}/history`);
    return events.find((event) => event.kind === "set_times" && event.what.includes("adjudicated") && !event.undone_by) ?? null;
  } catch { return null; }
}
