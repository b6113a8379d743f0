// Backups: copies of the database that were opened and compared, and whether they still are what they were.
import { get, post } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { bytes, cell, figure, grouped, nothing, panel, table, when } from "./parts.js";
import { fail, toast } from "../base/toast.js";

const HEADS = [{ text: "made", stick: true }, { text: "file" }, { text: "size", num: true }, { text: "rows", num: true }, { text: "by" }, { text: "state" }, { text: "" }];
const STATE = { true: ["ok", "check"], false: ["bad", "x"], null: ["warn", "alert"] };

export async function show(parts) {
  const found = await get("/api/admin/backups", { signal: parts.signal });
  if (!parts.alive()) return;
  const make = el("button", { class: "btn p", type: "button", onclick: () => backUp(parts, make) }, "Back up now");
  replace(parts.tools, make);
  const lead = `database ${bytes(found.database_bytes)}, ${bytes(found.free_bytes)} free; the files lie in ${found.folder}`;
  replace(parts.body, panel("Backups", { lead }, found.backups.length ? table("Backups, table", HEADS, found.backups.map(row))
    : nothing("There is no backup yet.", "A backup holds every mark and the whole history, but neither clips nor sounds. Make one before a long run and after a day of marking.")),
  found.backups.length ? el("p", { class: "sm t3" }, "To go back to one: stop thud, put the file in place of annotations.duckdb, start thud.") : null);
}

async function backUp(parts, button) {
  button.disabled = true;
  button.textContent = "Copying and comparing…";
  try {
    const made = await post("/api/admin/backups");
    toast(`Backed up ${grouped(made.rows)} rows: opened and compared, equal.`);
    if (parts.alive()) await show(parts);
  } catch (error) {
    fail(error);
    button.disabled = false;
    button.textContent = "Back up now";
  }
}

function row(backup) {
  const state = el("span", { role: "status" }, backup.sha256 ? said(true, "opened and compared when made") : said(null, "no record beside it"));
  const check = el("button", { class: "btn s", type: "button", "aria-label": `Verify ${backup.name}`, onclick: () => verify(backup, check, state) }, "Verify");
  return el("tr", { "data-backup": backup.name }, cell(when(backup.at), "stick"), cell(backup.name, "mono"), figure(bytes(backup.size_bytes)), figure(grouped(backup.rows)), cell(backup.by || "–", "t2"), cell(state, "adm-wide"), cell(check));
}

const said = (sound, words) => el("span", { class: `st ${STATE[sound][0]}` }, icon(STATE[sound][1]), words);

async function verify(backup, button, state) {
  button.disabled = true;
  try {
    const found = await post("/api/admin/backups/verify", { name: backup.name });
    replace(state, said(found.sound, found.words));
  } catch (error) { fail(error); }
  button.disabled = false;
}
