// What asking will do, as the server plans it: counts and costs for each arm, the canary, what cannot be asked, what leaves this machine.
import { when } from "../admin/parts.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { dollars } from "../base/place.js";
import { grouped, plural } from "./parts.js";

const GLYPH = { ok: "check", warn: "alert", bad: "x", info: "info" };
const note = (level, ...words) => el("div", { class: `st top ${level}` }, icon(GLYPH[level]), el("span", {}, words));

export function drawPlan(place, plan, { override, onoverride }) {
  const held = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const open = place.querySelector(".refusals")?.open ?? false;
  replace(place, el("h3", {}, "What will happen"), table(plan), plan.tokens ? el("p", { class: "sm t3" }, `About ${grouped(plan.tokens)} tokens in all.`) : null,
    reasons(plan.missing, `${plural(count(plan.missing), "stimulus", "stimuli")} cannot be shown, and nothing starts before`, true), hearing(plan, override, onoverride),
    el("div", { class: "col g4y" }, plan.notes.map(({ level, text }) => note(level, text))), reasons(plan.refused, "What is not asked, and why", open));
  if (held) place.querySelector(`[data-key="${held}"]`)?.focus({ preventScroll: true });
}

const count = (rows) => rows.reduce((sum, row) => sum + row.count, 0);

function table(plan) {
  if (!plan.rows.length) return null;
  const figure = (value, cls = "") => el("td", { class: `num ${cls}` }, value);
  const total = plan.cost_usd === null && plan.cost_known_usd > 0 ? `over ${dollars(plan.cost_known_usd)}` : dollars(plan.cost_usd);
  const rows = plan.rows.map((row) => el("tr", {}, el("td", { class: "clip", title: row.title }, row.title), figure(grouped(row.items), row.items ? "" : "t3"), figure(grouped(row.answered), "t3"),
    figure(grouped(row.requests), row.requests ? "" : "t3"), figure(row.items ? dollars(row.cost_usd) : "–", row.cost_usd === null || !row.items ? "t3" : "")));
  const all = el("tr", { class: "b" }, el("td", {}, "all"), figure(grouped(plan.items)), figure(grouped(plan.answered), "t3"), figure(grouped(plan.requests)), figure(total));
  return el("table", { class: "c plan" }, el("thead", {}, el("tr", {}, el("th", {}, "shown"), ["items", "have", "requests", "about"].map((word) => el("th", { class: "num", title: word === "have" ? "answered already, with these very settings" : null }, word)))),
    el("tbody", {}, rows, rows.length > 1 ? all : null));
}

// Whether it hears is found out before the first item; who does not hear is not scored, unless somebody insists.
function hearing(plan, override, onoverride) {
  const untested = plan.untested.map(({ title, words }) => note("info", el("b", {}, title), ` ${words}`));
  if (!plan.canary.length) return untested.length ? el("div", { class: "ask-hearing col g4y" }, untested) : null;
  const words = { never: () => "never tested", passed: (row) => `heard before, ${row.passed} of ${row.of} right${row.at ? `, ${when(row.at)}` : ""}`, failed: (row) => `did not hear: ${row.passed} of ${row.of} right${row.at ? `, ${when(row.at)}` : ""}` };
  const level = { never: "info", passed: "ok", failed: "warn" };
  const box = el("input", { type: "checkbox", "data-key": "override", onchange: () => onoverride(box.checked) });
  box.checked = override;
  const insist = plan.canary.some((row) => row.state !== "passed") || override;
  return el("div", { class: "ask-hearing col g4y" }, el("p", { class: "sm t2" }, "First six short questions show whether it hears. If it does not, nothing is scored."),
    plan.canary.map((row) => note(level[row.state], el("b", {}, row.title), ` ${words[row.state](row)}`)), untested,
    insist && el("label", { class: "fl top" }, box, el("span", {}, "Score it even if it does not hear ", el("span", { class: "sm t3" }, "This is recorded: its row in Results carries the warning."))));
}

function reasons(rows, title, open) {
  if (!rows.length) return null;
  return el("details", { class: "refusals", open }, el("summary", { class: "sm t2" }, title),
    el("ul", { class: "sm" }, rows.map(({ reason, count: times, subjects }) => el("li", {}, el("b", { class: "num" }, `${grouped(times)} × `), el("span", { class: "t2" }, reason), " ",
      el("span", { class: "t3" }, subjects.join("; "), times > subjects.length ? "; …" : "")))));
}
