// People: accounts with their roles, what each has marked, and the ways to add, change and remove them.
import { get, post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { el, number, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { cell, figure, grouped, nothing, panel, table, when } from "./parts.js";
import { fail, toast } from "../base/toast.js";

const MEANING = { annotator: "marks clips", researcher: "marks, builds, runs, reads all figures, adjudicates", admin: "everything, and this page" };
const HEADS = [{ text: "name", stick: true }, { text: "role" }, { text: "marks", num: true }, { text: "last 7 days", num: true }, { text: "pace, s a clip", num: true, title: "Median over the last 20; pauses of more than five minutes are left out" },
  { text: "last saved" }, { text: "" }];

export async function show(parts) {
  const found = await get("/api/admin/people", { signal: parts.signal });
  if (!parts.alive()) return;
  const again = () => show(parts).catch(fail);
  replace(parts.tools, el("button", { class: "btn p", type: "button", onclick: () => add(parts, found, again) }, found.signed_in ? "Add an account" : "Add the first account"));
  const rows = found.people.map((person) => row(parts, found, person, again));
  replace(parts.body, found.signed_in ? null : local(), panel("People", { lead: found.signed_in ? "a changed role or password ends that person's sessions at once" : null },
    rows.length ? table("People, table", HEADS, rows) : nothing("Nobody has marked anything yet, and there are no accounts.")));
}

const local = () => el("div", { class: "note" }, icon("info"), el("div", {}, el("p", {}, el("b", {}, "Nobody signs in. "), "Only this machine can open these pages, and marks are kept under the name “local”."),
  el("p", {}, "To work with others: add yourself as an admin here, then the others. From the first account on everybody signs in, you too. Then start thud with ",
    el("code", { class: "mono" }, "--host 0.0.0.0"), " so that other machines reach it.")));

function row(parts, found, person, again) {
  const mine = person.name === found.me, roles = person.role && el("select", { class: "in s", "aria-label": `Role of ${person.name}`, onchange: (event) => setRole(parts, person, event.target, mine, again) },
    found.roles.map((role) => el("option", { value: role, selected: role === person.role }, role)));
  const act = person.role && el("span", { class: "row end" }, el("button", { class: "btn q s", type: "button", "aria-label": `New password for ${person.name}`, onclick: () => password(parts, person, mine, again) }, "New password"),
    el("button", { class: "btn q s", type: "button", "aria-label": `Sign ${person.name} out everywhere`, onclick: () => send("sign-out", { name: person.name }, `${person.name} is signed out everywhere.`, mine, again).catch(fail) }, "Sign out"),
    el("button", { class: "btn q s x", type: "button", "aria-label": `Remove ${person.name}`, onclick: () => remove(parts, person, mine, again) }, "Remove…"));
  return el("tr", { "data-person": person.name }, cell([el("span", {}, person.name), mine && el("span", { class: "t3" }, " you")], "stick"), cell(roles || el("span", { class: "t3" }, "no account")),
    figure(grouped(person.marks ?? 0)), figure(grouped(person.week ?? 0)), figure(number(person.pace_s ?? null, 0)), cell(when(person.last), "t2"), cell(act));
}

// One's own session ends with such a change: the page is asked for again, and the door opens.
async function send(verb, body, said, mine, again) {
  await post(`/api/admin/people/${verb}`, body);
  if (mine) { location.reload(); return; }
  toast(said);
  await again();
}

async function setRole(parts, person, select, mine, again) {
  try { await send("role", { name: person.name, role: select.value }, `${person.name} is now ${select.value}.`, mine, again); } catch (error) {
    select.value = person.role;
    fail(error);
  }
}

// fields: nodes; send() gives a promise, whose failure is shown in the dialog.
function form(root, { title, label, danger = false, fields, run }) {
  const said = el("p", { class: "sm bad", role: "alert" });
  const ok = el("button", { class: danger ? "btn x" : "btn p", type: "submit" }, label);
  const body = el("form", { class: "adm-form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    said.textContent = "";
    ok.disabled = true;
    try { await run(); dialog.close(); } catch (error) { said.textContent = error.message; ok.disabled = false; }
  } }, el("div", { class: "pb col g12" }, fields, said), el("div", { class: "ph end" }, el("span", { class: "sp" }), el("button", { class: "btn q", type: "button", onclick: () => dialog.close() }, "Cancel"), ok));
  const dialog = openDialog(root, { title, cls: "narrow small", body });
  (body.querySelector("input,select") ?? ok).focus();
  return dialog;
}

const field = (label, input, hint = null) => el("label", { class: "adm-field" }, el("span", { class: "t2" }, label), input, hint && el("span", { class: "sm t3" }, hint));

function secret(label = "Password") {
  const input = el("input", { class: "in", type: "password", autocomplete: "new-password", maxlength: "1000" });
  const shown = el("input", { type: "checkbox", onchange: () => { input.type = shown.checked ? "text" : "password"; } });
  return { input, nodes: [field(label, input, "10 characters or more. Tell it to them by another way than thud."), el("label", { class: "fl" }, shown, "Show the password")] };
}

function add({ root }, found, again) {
  const name = el("input", { class: "in", autocomplete: "off", spellcheck: "false", maxlength: "40" }), first = !found.signed_in;
  const role = el("select", { class: "in" }, (first ? ["admin"] : found.roles).map((each) => el("option", { value: each }, `${each}: ${MEANING[each] ?? ""}`)));
  const { input, nodes } = secret();
  const run = () => send("add", { name: name.value.trim(), password: input.value, role: role.value }, `${name.value.trim()} can sign in as ${role.value}.`, first, again);
  const warning = first && el("p", { class: "note warn" }, icon("alert"), el("span", {}, "With this account everybody has to sign in, you too. Marks made so far stay under “local”."));
  form(root, { title: first ? "Add the first account" : "Add an account", label: "Add", fields: [warning, field("Name", name, "letters, digits, dots, hyphens, underscores"), field("Role", role), nodes].flat().filter(Boolean), run });
}

function password({ root }, person, mine, again) {
  const { input, nodes } = secret("New password");
  form(root, { title: `New password for ${person.name}`, label: "Set the password", fields: [nodes, el("p", { class: "sm t3" }, mine ? "You are signed out and sign in with it." : "All their sessions end.")].flat(),
    run: () => send("password", { name: person.name, password: input.value }, `${person.name} has a new password.`, mine, again) });
}

function remove({ root }, person, mine, again) {
  form(root, { title: `Remove ${person.name}?`, label: `Remove ${person.name}`, danger: true, run: () => send("remove", { name: person.name }, `${person.name} is removed; their marks stay.`, mine, again),
    fields: [el("p", {}, `${person.name} can no longer sign in. The ${grouped(person.marks ?? 0)} marks stay, under their name.`)] });
}
