// What people write beside the results: a note on a row, and views saved by name.
import { get, post } from "../base/api.js";
import { openDialog, submitKey } from "../base/dialog.js";
import { el } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { face, makeMenu } from "./menu.js";
import { viewQuery } from "./state.js";
import { fail, toast } from "../base/toast.js";

// row: {row, listener}. Notes are added, never changed.
export function openNote(parts, row) {
  const area = el("textarea", { class: "area", rows: "4", maxlength: "2000", "aria-label": "Note" }), said = el("p", { class: "bad sm", role: "alert" });
  const send = async (event) => {
    event.preventDefault();
    if (!area.value.trim()) { said.textContent = "Write something first."; area.focus(); return; }
    try {
      await post("/api/results/notes", { row: row.row, text: area.value.trim() });
      dialog.close();
      toast(`The note on ${row.listener} is kept; its page shows it.`);
      parts.changed();
    } catch (error) { said.textContent = error.message; }
  };
  const form = el("form", { class: "pb col", onsubmit: send }, el("p", { class: "sm t2" }, "Everybody who works here sees it on the listener’s page, with your name and the time."), area, said,
    el("div", { class: "row" }, el("span", { class: "sp" }), el("button", { class: "btn p", type: "submit" }, "Add the note ", submitKey())));
  area.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); } });
  const dialog = openDialog(parts.root, { title: `Note on ${row.listener}`, cls: "small", body: form });
  area.focus();
}

// The menu of saved views; view: {state(), visit(query): to that view}.
export function makeViews(view) {
  const menu = makeMenu({ name: "Saved views", cls: "btn q", face: face("Views", ""), right: true, title: "Views saved by name", fill: async (close) => {
    let views;
    try { views = listOf(await get("/api/results/views")); } catch (error) { return el("p", { class: "bad sm opt-head" }, error.message); }
    return [views.length ? el("ul", {}, views.map((each) => line(view, each, menu, close))) : el("p", { class: "sm t3 opt-head" }, "None yet. A view keeps the filters, the order and what is compared."), form(view, menu)];
  } });
  return menu;
}
const listOf = (found) => (Array.isArray(found.views) ? found.views : Object.entries(found.views ?? {}).map(([name, query]) => ({ name, query: query?.query ?? query })));

function line(view, { name, query }, menu, close) {
  const drop = async () => {
    try { await post("/api/results/views", { name, query: null }); } catch (error) { fail(error); return; }
    menu.refill();
    toast(`The view “${name}” is gone.`, { action: { label: "Undo", run: () => post("/api/results/views", { name, query }).catch(fail) } });
  };
  return el("li", { class: "row" }, el("button", { type: "button", class: "opt", onclick: () => { close(); view.visit(query); } }, el("span", { class: "clip" }, name)),
    el("button", { type: "button", class: "btn q s i", "aria-label": `Delete the view ${name}`, onclick: drop }, icon("x", "s")));
}

function form(view, menu) {
  const input = el("input", { type: "text", "aria-label": "Name of this view", placeholder: "Name of this view", maxlength: "80", autocomplete: "off", spellcheck: "false" });
  const save = async (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name) { input.focus(); return; }
    try { await post("/api/results/views", { name, query: viewQuery(view.state()) }); } catch (error) { fail(error); return; }
    toast(`Saved as “${name}”.`);
    menu.refill();
  };
  return el("form", { class: "row opt-form", onsubmit: save }, el("label", { class: "in s" }, input), el("button", { type: "submit", class: "btn s" }, "Save"));
}
