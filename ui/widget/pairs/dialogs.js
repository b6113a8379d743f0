// The dialogs of the Pairs page: taking pairs in from a file, exporting, freezing the test clips. Material and models are in material.js.
import { get, post } from "../base/api.js";
import { openDialog, submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { count, fact, plural } from "./parts.js";
import { toast } from "../base/toast.js";

export const FORMATS = [["trl", "TRL"], ["sharegpt", "LLaMA-Factory"]];

// A dialog with a form: send() does the work and its failure is said inside; with true it closes. Its button comes back as go.
export function formDialog(root, { title, lead = "", fields, verb, send, more = null, cls = "narrow" }) {
  const wrong = el("p", { class: "bad sm", role: "alert" }), go = el("button", { class: "btn p", type: "submit" }, `${verb} `, submitKey());
  const form = el("form", { class: "pb col g12", onsubmit: async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    wrong.textContent = "";
    try { if (await send()) dialog.close(); } catch (error) { wrong.textContent = error.message; }
    go.disabled = false;
  } }, lead && el("p", { class: "sm t2" }, lead), fields, wrong, el("div", { class: "row" }, el("span", { class: "sp" }), el("button", { class: "btn q", type: "button", onclick: () => dialog.close() }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "Esc")), go), more);
  form.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); } });
  const dialog = openDialog(root, { title, cls, body: form });
  (form.querySelector("input,textarea,select") ?? go).focus();
  return { ...dialog, go };
}
export const field = (label, input, words = null) => el("label", { class: "col g4x" }, el("span", { class: "t2" }, label), input, words && el("span", { class: "xs t3" }, words));
export const pathInput = (value, placeholder) => el("input", { class: "in mono", type: "text", value, placeholder, autocomplete: "off", spellcheck: "false", maxlength: "4000" });

// parts: {root, started(run, title)}. old: how missing paths begin, when a set is read again from where its media lie.
export function openImport(parts, { path = "", old = "" } = {}) {
  const file = pathInput(path, "/data/pairs/dpo_train.json"), from = pathInput(old, "/data/finevideo"), to = pathInput("", "/home/me/finevideo");
  formDialog(parts.root, { title: "Import pairs", verb: "Import", lead: "A file for TRL (JSONL or JSON) or LLaMA-Factory (ShareGPT), or an export of thud. It is read row by row and linted; what cannot be read is listed with its row.",
    fields: [field("File on this machine", file), field("Paths in it that begin with", from, "only where its media lie elsewhere here"), field("are here in", to)],
    send: async () => {
      if (!file.value.trim()) throw new Error("Write the path of the file first.");
      if (Boolean(from.value.trim()) !== Boolean(to.value.trim())) throw new Error("Give both: how the paths begin in the file, and how they begin here.");
      const { run, title } = await post("/api/pairs/import", { path: file.value.trim(), remap: from.value.trim() ? [[from.value.trim(), to.value.trim()]] : [] });
      parts.started(run, title);
      return true;
    } });
}

// Says what leaves with the export and what stays, before anything is written; once more when the server has every decision.
export function openExport(parts, format) {
  const set = parts.set(), name = el("input", { class: "in mono", type: "text", maxlength: "80", placeholder: `${set.title || set.id} ${format}`.replace(/[^A-Za-z0-9._-]+/g, "-"), autocomplete: "off", spellcheck: "false" }), words = FORMATS.find(([id]) => id === format)[1];
  const facts = el("ul", { class: "facts", "aria-live": "polite" }), saved = () => parts.settled("an export would not know them");
  replace(facts, leaving(set));
  saved().then(parts.refresh).then(() => { if (parts.set()?.id === set.id) replace(facts, leaving(parts.set())); }, () => {}); // said when it is sent
  formDialog(parts.root, { title: `Export for ${words}`, verb: "Export",
    fields: [facts, field("Name of the folder", name, "in exports/pairs of the workspace; media are copied beside the rows, without their own sound track")],
    send: async () => {
      await saved();
      const { run, title } = await post(`/api/pairs/sets/${encodeURIComponent(set.id)}/export`, { format, name: name.value.trim() });
      parts.started(run, title);
      return true;
    } });
}
function leaving({ leaves, lint }) {
  const splits = Object.entries(leaves.splits).filter(([name]) => name).map(([name, n]) => `${name} ${count(n)}`).join(", "), warnings = (lint?.checks ?? []).filter((one) => one.count > 0 && one.severity === "warning").length;
  return [fact(leaves.pairs ? "ok" : "warn", plural(leaves.pairs, "pair"), splits || "go out"), ...Object.entries(leaves.stays).map(([reason, n]) => fact("info", `${count(n)} ${n === 1 ? "stays" : "stay"} here`, reason)), warnings > 0 && fact("warn", plural(warnings, "warning"), "are named in the manifest")];
}

export function openFreeze(parts) {
  const set = parts.set(), clips = set.tests ?? 0, name = el("input", { class: "in", type: "text", maxlength: "60", placeholder: "test 1", autocomplete: "off", spellcheck: "false" }), frozen = parts.overview().held_out;
  formDialog(parts.root, { title: "Freeze the test clips", verb: "Freeze", lead: clips ? `The ${plural(clips, "test clip")} of this set stay test clips from now on, in every set and whatever is added: none of them, and nothing from the same source, is trained on.` : "This set has no test clips: its splits are train and validation only.",
    fields: [frozen.length > 0 && el("p", { class: "sm t3" }, "Frozen before: ", frozen.map((one) => `${one.name} (${plural(one.clips, "clip")})`).join(", ")), field("Name", name)],
    send: async () => {
      if (!name.value.trim()) throw new Error("Give it a name.");
      await post(`/api/pairs/sets/${encodeURIComponent(set.id)}/freeze`, { name: name.value.trim() });
      await parts.reload();
      toast(`Frozen as “${name.value.trim()}”.`);
      return true;
    } });
}

// How an ended run went: the set that it made, where an export lies, or why it stopped.
export const outcomeOf = (run) => get(`/api/pairs/runs/${encodeURIComponent(run)}`);
