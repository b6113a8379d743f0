// Who can be asked: the list to choose from, and below it what there is to know and do about the one that is chosen.
import { when } from "../admin/parts.js";
import { el } from "../base/dom.js";
import { icon } from "../base/icons.js";

const OWNERS = { yours: "Yours", thud: "Ship with thud", preset: "Presets: the names and addresses are a beginning, edit them" };

const state = (level, words, title = null) => el("span", { class: `st sm ${level}`, title }, icon({ ok: "check", warn: "alert", bad: "x", none: "dash" }[level]), el("span", { class: level === "none" ? "t3" : "" }, words));

// The arm whose canary the list tells of: the first of these in which it is given sound.
const heardIn = (row, arms) => arms.find((arm) => arm in row.canary) ?? null;

function canaryWord(row, arm) {
  if (row.untested) return state("none", row.untested.split(":")[0], row.untested);
  const kept = row.canary[arm ?? Object.keys(row.canary)[0]];
  if (!kept) return state("none", "never tested", "Whether it hears was never tested");
  return state(kept.hears ? "ok" : "bad", `${kept.hears ? "hears" : "deaf?"} ${kept.passed} of ${kept.of}`, kept.words);
}

function keyWord(row) {
  if (row.problem) return state("bad", "not here", row.problem);
  if (!row.asks) return el("span", { class: "sm t3" }, "on this machine");
  if (row.key_problem) return state("warn", "key not set", row.key_problem);
  return row.key_env ? state("ok", "key set", `${row.key_env} is set`) : el("span", { class: "sm t3" }, "needs no key");
}

// found: the server's answer; row: the one chosen; arms: in which it is to be asked; testing: {id, name} or null; told: where messages stand.
export function makeRoster({ found, row, arms, testing, told, onpick, onadd, onedit, onclone, onremove, ontest, onstop }) {
  const line = (each) => {
    const radio = el("input", { type: "radio", name: "ask-listener", value: each.name, "data-key": `listener-${each.name}`, onchange: () => onpick(each.name) });
    radio.checked = each.name === row.name;
    return el("label", { class: `ask-row${radio.checked ? " on" : ""}` }, radio, el("b", { class: "clip", title: each.label }, each.name),
      el("span", { class: "clip sm t2", title: `${each.backend_title}: ${each.model}, ${each.where}` }, each.owner === "thud" ? each.backend_title : each.model), keyWord(each), canaryWord(each, heardIn(each, each.arms)));
  };
  const groups = Object.entries(OWNERS).map(([owner, words]) => ({ words, rows: found.listeners.filter((each) => each.owner === owner) })).filter(({ rows }) => rows.length);
  const list = el("div", { class: "ask-list", role: "radiogroup", "aria-label": "Listener" }, groups.map(({ words, rows }) => [el("p", { class: "xs t3 ask-group" }, words), rows.map(line)]).flat(2));
  const node = el("section", { class: "ask-part" }, el("div", { class: "row" }, el("h3", {}, "Who"), el("span", { class: "sp" }), el("button", { class: "btn s", type: "button", "data-key": "add", onclick: onadd }, "Add a listener")),
    list, chosen({ row, twin: found.listeners.find((each) => each !== row && each.key === row.key && row.key !== "" && each.owner !== "preset"), arms, testing, onedit, onclone, onremove, ontest, onstop }), told);
  return { node, list, reveal: () => list.querySelector(".on")?.scrollIntoView({ block: "nearest" }) };
}

function chosen({ row, twin, arms, testing, onedit, onclone, onremove, ontest, onstop }) {
  const arm = heardIn(row, arms), mine = testing?.name === row.name;
  const button = (key, words, run, cls = "btn q s") => el("button", { class: cls, type: "button", "data-key": key, "aria-label": `${words} ${row.name}`, onclick: run }, words);
  const facts = [`${row.backend_title}, ${row.where}`, row.senses, row.asks && (row.key_env ? `${row.key_env} is ${row.key_set ? "set" : "not set"}` : "needs no key"), tested(row, arm), twin && `the same settings as ${twin.name}, so what either has answered counts for both`].filter(Boolean);
  const test = mine ? [el("span", { class: "sm t2" }, "Six short questions about sound…"), button("stop", "Stop testing", onstop, "btn s")]
    : arm && button("test", "Test it", () => ontest(row, arm), "btn s");
  return el("div", { class: "ask-chosen" }, el("p", { class: "sm t2" }, el("b", {}, row.name), `: ${facts.join("; ")}.`), row.problem && el("p", { class: "sm warn" }, row.problem),
    el("div", { class: "row w g4x" }, test, row.owner !== "thud" && button("edit", "Edit", () => onedit(row)), button("clone", "Clone", () => onclone(row)), row.owner === "yours" && button("remove", "Remove", () => onremove(row), "btn q s x")));
}

function tested(row, arm) {
  if (!arm) return Object.keys(row.canary).length ? "in what is chosen below it is given no sound, so its hearing does not matter" : row.untested;
  const kept = row.canary[arm];
  if (!kept) return "whether it hears was never tested";
  return `${kept.hears ? "it heard" : "it did not hear"} (${kept.passed} of ${kept.of} right)${kept.at ? `, tested ${when(kept.at)}` : ""}${kept.override ? ", scored all the same" : ""}`;
}
