// View Benchmarks: what a checkpoint gained on synchrony and paid elsewhere, beside the paper's recipes; sets on this disk, imported and asked.
import { get, post } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { interval, nothing, percent, plural, points, said, trouble } from "./parts.js";
import { fail, toast } from "../base/toast.js";

const LAST = [["average", "mean of six"], ["general", "general, mean of four"], ["change", "alignment tax, points"]];

export function show(parts) {
  parts.title("What did it cost elsewhere?");
  replace(parts.legend);
  const draw = async () => {
    let found;
    try { found = await get(`/api/results/tax${parts.state.a ? `?base=${encodeURIComponent(parts.state.a)}` : ""}`); } catch (error) {
      if (parts.alive()) replace(parts.body, trouble(error, draw));
      return;
    }
    if (parts.alive()) replace(parts.body, table(parts, found), sets(found, draw));
  };
  draw();
  return null;
}

function table(parts, found) {
  const pick = el("select", { class: "in s", "aria-label": "Base model", onchange: (event) => parts.go({ a: event.target.value }) },
    el("option", { value: "" }, "no base"), found.listeners.map((name) => el("option", { value: name, selected: name === found.base }, name)));
  const head = el("tr", {}, el("th", { scope: "col", class: "l" }, "checkpoint"), found.columns.map((column) => el("th", { scope: "col" }, column.title)), LAST.map(([, title]) => el("th", { scope: "col" }, title)));
  const group = (words, rows) => [el("tr", { class: "grp" }, el("td", { colspan: String(found.columns.length + LAST.length + 1) }, words)), ...[rows].flat()];
  const none = el("tr", {}, el("td", { class: "l t3", colspan: String(found.columns.length + LAST.length + 1) }, "No listener has answered a set yet."));
  return el("section", { class: "panel" },
    el("div", { class: "ph" }, el("h2", {}, "Six benchmarks, accuracy in %"), el("span", { class: "sm t3" }, "points under a figure: change from the base, on the questions both answered"), el("span", { class: "sp" }), el("label", { class: "sm t3 row" }, "base ", pick)),
    el("div", { class: "scroll-x" }, el("table", { class: "tab tax" }, el("thead", {}, head), el("tbody", {},
      ...group("Measured in this workspace", found.rows.length ? found.rows.map((row) => line(row, found.columns)) : none),
      ...group("Published, arXiv 2605.16403 table 2: other hardware and prompts, no intervals", found.published.map((row) => line(row, found.columns)))))));
}

function line(row, columns) {
  const cell = (one) => el("td", { class: "n", title: one ? said(one.value) : "not run" }, one ? percent(one.value.value) : "–", one?.value && interval(one.value) && el("small", { class: "t3" }, interval(one.value)), one?.change && el("small", { class: "t2" }, points(one.change.value)));
  const mean = (key) => el("td", { class: "n" }, row[key] ? (key === "change" ? points(row[key].value) : percent(row[key].value)) : "–", row[key] && interval(row[key]) && el("small", { class: "t3" }, key === "change" ? interval(row[key], points) : interval(row[key])));
  return el("tr", {}, el("th", { scope: "row", class: "l" }, row.name), columns.map((column) => cell(row.cells[column.key])), LAST.map(([key]) => mean(key)));
}

function sets(found, again) {
  const path = el("input", { class: "in", size: "42", placeholder: "/data/daily-omni", "aria-label": "Folder or file with the questions", spellcheck: "false", autocomplete: "off" });
  const message = el("p", { class: "sm", role: "status" });
  const take = async (event) => {
    event.preventDefault();
    try {
      const made = await post("/api/results/benchmarks/import", { path: path.value.trim() });
      toast(`${made.name}: ${plural(made.questions, "question")} taken in${made.refused ? `, ${made.refused} refused` : ""}.`);
      again();
      if (made.refused) replace(message, `${made.first[0].subject}: ${made.first[0].reason}`);
    } catch (error) { replace(message, error.message); }
  };
  const form = el("form", { class: "row w makes", onsubmit: take }, el("span", { class: "sm t2" }, "Video-MME, LVBench, WorldSense, Daily-Omni or VGGSoundSync on this machine’s disk:"), path, el("button", { class: "btn", type: "submit" }, "Import"));
  const rows = found.sets.map((one) => set(one, found.listeners));
  return el("section", { class: "panel" }, el("div", { class: "ph" }, el("h2", {}, "Sets on this disk")), el("div", { class: "pb col" }, rows.length ? rows : nothing("None yet", "Questions are read, videos stay where they are."), form, message));
}

function set(one, listeners) {
  const who = el("select", { class: "in s", "aria-label": `Listener for ${one.name}` }, listeners.map((name) => el("option", { value: name }, name)));
  const ask = async () => {
    try { toast(`Started: ${(await post("/api/results/benchmarks/ask", { benchmark: one.id, listener: who.value })).run.title}`); } catch (error) { fail(error); }
  };
  const refused = Object.values(one.refused ?? {}).reduce((sum, count) => sum + count, 0);
  return el("div", { class: "row w" }, el("b", {}, one.name), el("span", { class: "sm t2" }, plural(one.questions, "question")), refused > 0 && el("span", { class: "sm t3", title: Object.keys(one.refused)[0] }, `${refused} refused`), el("span", { class: "sm t3" }, one.from), el("span", { class: "sp" }),
    el("span", { class: "row makes" }, who, el("button", { class: "btn", type: "button", onclick: ask }, "Ask")));
}
