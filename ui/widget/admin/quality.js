// Quality: each person against clips whose times are known. A steady lag is no fault, it is corrected; scatter and misses are not.
import { get } from "../base/api.js";
import { el, number, replace } from "../base/dom.js";
import { cell, choice, estimate, figure, grouped, ms, nothing, panel, percent, reach, scatter, size_ms, table } from "./parts.js";

const SENSES = { visual: "Picture", audio: "Sound" };
const STAGES = { first: "First, blind", final: "Final" };
const HEADS = [{ text: "person", stick: true }, { text: "marks", num: true }, { text: "on gold", num: true }, { text: "bias, ms", num: true, title: "+ = places events late" }, { text: "spread, ms", num: true }, { text: "misses, %", num: true, title: "Not placed, or 0.5 s off their own usual place" },
  { text: "drift, ms per 100 marks", num: true }, { text: "correction, ms", num: true, title: "What takes a steady bias off; shown when it is clear of chance on ten gold clips or more. The consensus takes off the lag it has learned" }];

export async function show(parts, view = { sense: "visual", stage: "final", chosen: null }) {
  const found = await get(`/api/agreement/quality?stage=${view.stage}`, { signal: parts.signal });
  if (parts.alive()) draw(parts, view, found);
}

function draw(parts, view, found) {
  const refocus = (label) => parts.tools.querySelector(`[aria-label="${label}"] [aria-checked=true]`)?.focus();
  replace(parts.tools, choice(SENSES, { label: "Event", value: view.sense, onchange: (sense) => { draw(parts, { ...view, sense }, found); refocus("Event"); } }),
    choice(STAGES, { label: "Marks", value: view.stage, onchange: async (stage) => { await show(parts, { ...view, stage }); refocus("Marks"); } }));
  if (!found.people.length) {
    replace(parts.body, panel("People against gold", {}, nothing("No person has marked anything yet.", "Clips with known times are mixed into everybody's queue (Settings, “Known clips in the queue”). How far a person is from them shows here.")));
    return;
  }
  const chart = el("div", { class: "adm-chart" }), rows = new Map();
  const choose = (person) => {
    view.chosen = person.person;
    for (const [name, { tr, button }] of rows) { tr.setAttribute("aria-selected", String(name === person.person)); button.setAttribute("aria-pressed", String(name === person.person)); }
    replace(chart, course(person, view.sense));
  };
  const lines = found.people.map((person) => {
    const { tr, button } = row(person, view.sense, () => choose(person));
    rows.set(person.person, { tr, button });
    return tr;
  });
  replace(parts.body, panel("People against gold", { lead: `${grouped(found.gold)} clips have known times; + = late; intervals are 95 %` }, table("People against gold, table", HEADS, lines)), panel("Over time", { lead: "each gold clip in the order they were marked" }, chart));
  choose(found.people.find((person) => person.person === view.chosen) ?? found.people[0]);
}

function row(person, sense, onchoose) {
  const own = person[sense], button = el("button", { class: "linky adm-pair", type: "button", "aria-pressed": "false", onclick: onchoose }, person.person);
  const correction = own.correction_s ? ms(own.correction_s) : "none";
  const tr = el("tr", { "data-person": person.person, onclick: (event) => { if (!event.target.closest("button")) onchoose(); } }, cell(button, "stick"), figure(grouped(person.marks)), figure(grouped(own.n)), figure(estimate(own.bias_s)), figure(size_ms(own.spread_s)),
    figure(estimate(own.misses, percent)), figure(estimate(own.drift_s)), figure(correction, own.correction_s ? "" : "t3"));
  return { tr, button };
}

function course(person, sense) {
  const own = person[sense], points = own.course, what = SENSES[sense].toLowerCase();
  if (!points.length) return nothing(`${person.person} has met no clip with a known ${what} time yet.`);
  const sizes = points.map(([, off]) => Math.abs(off)).sort((a, b) => a - b), usual = sizes[Math.min(sizes.length - 1, Math.ceil(sizes.length * 0.95))];
  const y = reach([usual], 0.05), beyond = sizes.filter((each) => each > y).length, bias = own.bias_s.value;
  const lines = [{ at: 0 }, ...(bias === null ? [] : [{ at: bias, label: `bias ${ms(bias)}`, strong: true }])];
  const label = `${person.person}, ${what}: ${points.length} gold clips, bias ${ms(bias)} ms`;
  return el("div", { class: "adm-fill" }, el("div", { class: "row adm-cap" }, el("b", {}, person.person), el("span", { class: "sp" }), el("span", { class: "sm t3" }, `ms off gold, over the number of the mark${beyond ? `; ${beyond} further off than shown` : ""}`)),
    scatter({ points, x: [Math.min(...points.map(([nth]) => nth)) - 1, Math.max(...points.map(([nth]) => nth)) + 1], y, lines, label, xWords: (value) => number(value, 0) }));
}
