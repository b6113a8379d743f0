// The dialogs of the Train page: taking an adapter away, merging, pushing, deleting.
import { post } from "../base/api.js";
import { el } from "../base/dom.js";
import { field, formDialog, pathInput } from "../pairs/dialogs.js";

const of = (run, verb, body) => post(`/api/train/runs/${encodeURIComponent(run.run)}/${verb}`, body);

// parts: {root, hub: whether a token is there, started({run, title}), gone(run)}.
export function openExport(parts, run) {
  const folder = pathInput("", `${run.base}-${run.name}-adapter`);
  formDialog(parts.root, { title: `Export ${run.name}`, verb: "Export", lead: "The adapter alone, with a card that says what it was trained on, how, and what it scored.", fields: field("Folder", folder, "below exports/models of the workspace"),
    send: async () => { parts.started(await of(run, "export", { folder: folder.value.trim() })); return true; } });
}

export function openMerge(parts, run) {
  const folder = pathInput("", `${run.base}-${run.name}-merged`);
  formDialog(parts.root, { title: `Merge ${run.name} into its base`, verb: "Merge", lead: "A whole model with what was learnt written into its weights. It is as large as the base.", fields: field("Folder", folder, "below exports/models of the workspace"),
    send: async () => { parts.started(await of(run, "merge", { folder: folder.value.trim() })); return true; } });
}

export function openPush(parts, run) {
  const repo = el("input", { class: "in mono", type: "text", maxlength: "200", placeholder: "name/tiny-listens", autocomplete: "off", spellcheck: "false" }), merged = el("input", { type: "checkbox" }), open = el("input", { type: "checkbox" });
  const made = formDialog(parts.root, { title: `Push ${run.name} to a hub`, verb: "Push", lead: parts.hub ? "It leaves this machine. The token is read from HF_TOKEN where thud was started; it is never kept." : "Set HF_TOKEN where thud is started, then start it again: without a token nothing leaves this machine.",
    fields: [field("Repository", repo), el("label", { class: "fl" }, merged, "the whole model, merged"), el("label", { class: "fl" }, open, "public, for everybody to see")],
    send: async () => {
      if (!/^[\w.-]+\/[\w.-]+$/.test(repo.value.trim())) { repo.focus(); throw new Error("A repository is called NAME/MODEL."); }
      parts.started(await of(run, "push", { repo: repo.value.trim(), merged: merged.checked, public: open.checked }));
      return true;
    } });
  made.go.disabled = !parts.hub;
}

export function openDelete(parts, run) {
  formDialog(parts.root, { title: `Delete ${run.name}`, verb: "Delete", lead: run.deletable || "Its folder is removed: weights, checkpoints, curves and log. What it answered stays on Results. This cannot be taken back.", fields: null,
    send: async () => { await of(run, "delete", {}); parts.gone(run); return true; } }).go.disabled = Boolean(run.deletable);
}
