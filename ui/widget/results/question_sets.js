// Which questions are asked: a set to choose, every question of it to read, and a copy to edit. An edited set is another set, with another id.
import { get, post } from "../base/api.js";
import { submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { labelWord, plural } from "./parts.js";

const STYLES = { neutral: "asks for a description, hints at nothing", structured: "asks for a description in a form", direct: "asks straight out", choice: "statements with shuffled letters; each seed is stored" };
const LABELS = { sync: ["synced", "early", "delayed", "desync"], existence: ["audio_described", "muted", "visual_only"], consistency: ["match", "mismatched"] };

// sets: the server's rows; set: the one chosen. onpick(id), oncopy(the whole set).
export function makeSetPicker({ sets, set, open, signal, onpick, oncopy }) {
  const select = el("select", { class: "in", "aria-label": "Question set", "data-key": "set", onchange: () => onpick(select.value) },
    sets.map((each) => el("option", { value: each.id, selected: each.id === set.id }, each.own ? `${each.name} (yours)` : each.name)));
  const inside = el("div", { class: "ask-questions col" });
  const details = el("details", { class: "refusals", open }, el("summary", { class: "sm t2", "data-key": "preview" }, `Read all ${plural(set.questions, "question")}`), inside);
  const copy = el("button", { class: "btn s", type: "button", "data-key": "copy", onclick: async () => { const full = await fetchSet(); if (full) oncopy(full); } }, "Copy and edit");
  let full = null;

  async function fetchSet() {
    if (full) return full;
    try { full = await get(`/api/listeners/sets/${encodeURIComponent(set.id)}`, { signal }); } catch (error) {
      if (!signal.aborted) replace(inside, el("p", { class: "sm bad", role: "alert" }, error.message));
      details.open = true;
    }
    return full;
  }
  const show = async () => { if (details.open && (await fetchSet())) replace(inside, full.questions.map(preview)); };
  details.addEventListener("toggle", show);
  if (open) show();
  return { node: el("section", { class: "ask-part" }, el("h3", {}, "Which questions"), el("div", { class: "row w" }, select, el("span", { class: "sm t3" }, STYLES[set.style]), el("span", { class: "sp" }), copy), details), isOpen: () => details.open };
}

// About as many lines as the text takes.
const rowsOf = (text) => Math.min(10, Math.max(2, text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 130)), 0)));

const preview = (question) => el("div", { class: "ask-question" }, el("span", { class: "chip" }, question.task), el("p", { class: "sm" }, question.text),
  question.options.length ? el("ul", { class: "sm" }, question.options.map((one) => el("li", {}, el("span", { class: "t3" }, `${labelWord(one.label)}: `), one.text))) : null);

// set: the whole set that is copied; names: those that are taken. Returns {node, focus, submit, key: where the focus goes back to}.
export function makeSetForm({ set, names, tasks, onsaved, oncancel }) {
  const choice = set.style === "choice";
  const questions = set.questions.map(({ task, text, options }) => ({ task, text, options: options.map((one) => ({ ...one })) }));
  const said = el("p", { class: "sm bad", role: "alert" }), list = el("div", { class: "col g12" });
  const name = el("input", { class: "in", value: freeName(set.name, names), maxlength: "80", autocomplete: "off", spellcheck: "false" });
  const save = el("button", { class: "btn p", type: "submit", "aria-keyshortcuts": "Control+Enter" }, "Save as a new set ", submitKey());

  function options(question, number) {
    const line = (one) => el("div", { class: "row" }, pick(`What this statement stands for, question ${number}`, LABELS[question.task].map((label) => [label, labelWord(label)]), one.label, (label) => { one.label = label; }),
      el("input", { class: "in s grow", value: one.text, maxlength: "300", "aria-label": `Statement, question ${number}`, oninput: (event) => { one.text = event.target.value; } }),
      el("button", { class: "btn q s i", type: "button", "aria-label": "Remove this statement", onclick: () => { question.options = question.options.filter((each) => each !== one); draw(`more-${number}`); } }, icon("x", "s")));
    const unused = LABELS[question.task].find((label) => !question.options.some((one) => one.label === label));
    return [...question.options.map(line), unused && el("button", { class: "btn q s start", type: "button", "data-key": `more-${number}`, onclick: () => { question.options.push({ text: "", label: unused }); draw(`more-${number}`); } }, "Add a statement")];
  }

  function block(question, at) {
    const number = at + 1;
    const area = el("textarea", { class: "area", rows: String(rowsOf(question.text)), maxlength: "4000", "aria-label": `Question ${number}`, "data-question": String(number),
      oninput: () => { question.text = area.value; area.removeAttribute("aria-invalid"); } });
    area.value = question.text;
    const task = pick(`Task of question ${number}`, tasks.map((each) => [each, each]), question.task, (each) => {
      question.task = each;
      question.options = question.options.filter((one) => LABELS[each].includes(one.label));
      draw(`task-${number}`);
    }, `task-${number}`);
    const drop = questions.length > 1 && el("button", { class: "btn q s", type: "button", "aria-label": `Remove question ${number}`, onclick: () => { questions.splice(at, 1); draw("more"); } }, "Remove");
    return el("div", { class: "col g4y ask-edit" }, el("div", { class: "row" }, el("b", { class: "sm" }, `Question ${number}`), el("span", { class: "sm t3" }, "about"), task, el("span", { class: "sp" }), drop), area, choice ? options(question, number) : null);
  }

  function draw(focus = null) {
    replace(list, questions.map(block), el("button", { class: "btn s start", type: "button", "data-key": "more", onclick: () => { questions.push({ task: tasks[0], text: "", options: [] }); draw(); list.querySelector(`[data-question="${questions.length}"]`).focus(); } }, "Add a question"));
    if (focus) (list.querySelector(`[data-key="${focus}"]`) ?? list.querySelector("[data-key=more]"))?.focus();
  }

  function wrong(error) {
    said.textContent = error.message;
    const number = /^Question (\d+)/.exec(error.message)?.[1], place = number ? list.querySelector(`[data-question="${number}"]`) : /name/.test(error.message) ? name : null;
    place?.setAttribute("aria-invalid", "true");
    (place ?? save).focus();
  }

  async function submit() {
    if (save.disabled) return;
    said.textContent = "";
    name.removeAttribute("aria-invalid");
    save.disabled = true;
    try { await onsaved(await post("/api/listeners/sets/save", { set: { name: name.value, style: set.style, questions } })); } catch (error) { wrong(error); }
    save.disabled = false;
  }

  draw();
  const node = el("form", { class: "ask-form", novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(); } }, el("div", { class: "pb col g12 ask-scroll" },
    el("div", { class: "row w" }, el("label", { class: "ask-field wide-field" }, el("span", { class: "t2" }, "Name"), name), el("p", { class: "sm t3 grow" }, `A copy in the style ${set.style}: ${STYLES[set.style]}. It gets an id of its own, so its answers are never mixed with those to the first.`)), list),
  el("div", { class: "ph end" }, said, el("span", { class: "sp" }), el("button", { class: "btn q", type: "button", onclick: oncancel }, "Back ", el("kbd", { "aria-hidden": "true" }, "Esc")), save));
  return { node, submit, key: "copy", focus: () => { name.focus(); name.select(); } };
}

function pick(label, choices, value, changed, key = null) {
  const select = el("select", { class: "in s", "aria-label": label, "data-key": key, onchange: () => changed(select.value) }, choices.map(([id, words]) => el("option", { value: id, selected: id === value }, words)));
  return select;
}

function freeName(name, taken) {
  const stem = name.replace(/ \(copy( \d+)?\)$/, "").slice(0, 60);
  return [`${stem} (copy)`, ...Array.from({ length: taken.length + 1 }, (_, at) => `${stem} (copy ${at + 2})`)].find((each) => !taken.includes(each));
}
