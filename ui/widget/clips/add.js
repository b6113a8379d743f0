// Adding clips: paths on this machine, files of this browser, or a drop; and the report of what became of each.
import { get, post, upload } from "../base/api.js";
import { openDialog, submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { atWork } from "../base/runs.js";
import { fail, toast } from "../base/toast.js";

const TYPES = ".mp4,.mov,.m4v,.mkv,.webm,.avi,.csv,.jsonl";
const LOOK_MS = 200;
const mebibytes = (files) => `${Math.max(1, Math.round(files.reduce((sum, file) => sum + file.size, 0) / 2 ** 20))} MB`;

// Sends files and returns the run's id, or null when it failed (the message is out already).
export async function sendFiles(files) {
  if (!files.length) { toast("There is no file in what was dropped.", { level: "warn" }); return null; }
  const done = toast(`Sending ${files.length} ${files.length === 1 ? "file" : "files"}, ${mebibytes(files)}…`, { level: "info", stays: true });
  try { return (await upload("/api/upload", files)).run; } catch (error) { fail(error); return null; } finally { done(); }
}

// runs(): the list as last seen; onrun(id): a run was started; report: a finished run whose report is to be shown.
export function openAdd(root, options) {
  return new AddDialog(root, options).dialog;
}

class AddDialog {
  constructor(root, { runs, onrun, report = null }) {
    Object.assign(this, { runs, onrun, timer: 0 });
    this.paths = el("textarea", { class: "area mono", rows: "4", spellcheck: "false", placeholder: "/videos/impacts\n/videos/one_more.mp4" });
    this.wrong = el("p", { class: "sm bad", role: "alert" });
    this.files = el("input", { type: "file", multiple: true, accept: TYPES, class: "sr", tabindex: "-1", "aria-hidden": "true", onchange: () => this.sendFiles() });
    this.add = el("button", { class: "btn p", onclick: () => this.sendPaths() }, "Add clips ", submitKey());
    this.body = el("div", { class: "pb col g12" });
    this.foot = el("div", { class: "ph end" });
    this.dialog = openDialog(root, { title: "Add clips", body: this.body, foot: this.foot, cls: "narrow", onclose: () => clearInterval(this.timer) });
    this.dialog.node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.add.isConnected) { event.preventDefault(); this.sendPaths(); }
    });
    if (report) this.showReport(report.id); else this.ask();
  }

  ask() {
    replace(this.body,
      el("label", { class: "col" }, el("span", { class: "t2" }, "Folders, files, or a CSV or JSONL of paths on this machine, one per line"), this.paths), this.wrong,
      el("div", { class: "row w" }, el("span", { class: "t2" }, "or from this browser:"), el("button", { class: "btn", onclick: () => this.files.click() }, "Choose files…"), this.files,
        el("span", { class: "sm t3" }, "or drop them anywhere on the page")),
      el("p", { class: "sm t3" }, "mp4, mov, mkv, webm, avi. Files are read, never changed. Playlists, pipes and links out of a folder are refused."));
    replace(this.foot, el("span", { class: "sp" }), el("button", { class: "btn q", onclick: this.dialog.close }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "Esc")), this.add);
    this.paths.focus();
  }

  async sendFiles() {
    const run = await sendFiles([...this.files.files]);
    if (run) this.follow(run);
  }

  async sendPaths() {
    const paths = this.paths.value.split("\n").map((line) => line.trim()).filter(Boolean);
    this.wrong.textContent = paths.length ? "" : "Write a path first, or choose files.";
    if (!paths.length || this.add.disabled) { this.paths.focus(); return; }
    this.add.disabled = true;
    try { this.follow((await post("/api/ingest", { paths })).run); } catch (error) { this.wrong.textContent = error.message; }
    this.add.disabled = false;
  }

  follow(id) {
    this.onrun(id);
    const fill = el("i"), text = el("p", { class: "t2", role: "status" }, "Waiting for the first file…");
    replace(this.body, text, el("span", { class: "pg", role: "progressbar", "aria-label": "Adding clips" }, fill),
      el("p", { class: "sm t3" }, "This goes on when the dialog is closed; the runs show it."));
    replace(this.foot, el("span", { class: "sp" }), el("button", { class: "btn", onclick: this.dialog.close }, "Close"));
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      const run = this.runs().find((each) => each.id === id);
      if (!run) return;
      fill.style.width = `${run.total ? (100 * run.done) / run.total : 0}%`;
      text.textContent = `${run.done} of ${run.total} files read`;
      if (!atWork(run)) { clearInterval(this.timer); this.showReport(id); }
    }, LOOK_MS);
  }

  async showReport(id) {
    let run;
    try { run = await get(`/api/runs/${encodeURIComponent(id)}`); } catch (error) { replace(this.body, el("p", { class: "bad" }, error.message)); return; }
    if (!this.dialog.node.isConnected) return;
    const done = el("button", { class: "btn p", onclick: this.dialog.close }, "Done");
    replace(this.body, ...reportOf(run));
    replace(this.foot, el("button", { class: "btn", disabled: !run.problems.length, onclick: () => save(run) }, icon("down"), "CSV of the refused"), el("span", { class: "sp" }), done);
    done.focus();
  }
}

function line(glyph, cls, count, word, says) {
  return count ? el("tr", {}, el("td", {}, el("span", { class: `st ${cls}` }, icon(glyph), `${count} ${word}`)), el("td", { class: "t2" }, says)) : null;
}

function reportOf(run) {
  const counts = run.report ?? { added: 0, known: 0, no_sound: 0, damaged: 0, refused: run.refused + run.failed };
  const rows = [line("check", "ok", counts.added, "added", "ready to mark and build"),
    line("dash", "", counts.known, "already here", "same bytes as a clip in the workspace"),
    line("alert", "warn", counts.no_sound, counts.no_sound === 1 ? "has no sound" : "have no sound", "kept; nothing to shift, mute or swap"),
    line("alert", "warn", counts.damaged, counts.damaged === 1 ? "is damaged" : "are damaged", "kept, and said so on the clip"),
    line("x", "bad", counts.refused, "refused", "not added, see below")].filter(Boolean);
  const title = run.state === "cancelled" ? `Stopped after ${run.done} of ${run.total} files` : `After reading ${run.total} ${run.total === 1 ? "file" : "files"}`;
  const problems = run.problems.map((p) => el("tr", {}, el("td", { class: "mono wrap" }, p.subject), el("td", { class: "t2 wrap" }, p.reason)));
  return [el("h2", {}, title), el("table", { class: "c" }, el("tbody", {}, ...(rows.length ? rows : [el("tr", {}, el("td", { class: "t2" }, run.message || "Nothing was found there."))]))),
    problems.length ? el("div", { class: "tw limit" }, el("table", { class: "c" }, el("thead", {}, el("tr", {}, el("th", {}, "refused"), el("th", {}, "reason"))), el("tbody", {}, ...problems))) : null];
}

// A cell that begins like a formula would run in a spreadsheet: it gets an apostrophe.
const cell = (text) => `"${String(text).replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;
export const problemsCsv = (problems) => ["file,reason", ...problems.map((p) => `${cell(p.subject)},${cell(p.reason)}`)].join("\r\n") + "\r\n";

function save(run) {
  const url = URL.createObjectURL(new Blob([problemsCsv(run.problems)], { type: "text/csv" }));
  el("a", { href: url, download: `thud-refused-${run.id}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
