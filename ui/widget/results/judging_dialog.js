// The dialog that asks a judge: which model, which responses, what it will cost.
import { post } from "../base/api.js";
import { openDialog, submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { dollars } from "../base/place.js";
import { grouped, plural } from "./parts.js";

const WAIT_MS = 250;
const GLYPH = { ok: "check", warn: "alert", bad: "x", info: "info" };
const WHICH = { unparsed: "what the rules left unread", labelled: "those that people have read, to measure the judge", audit: "a random sample of all", all: "all responses" };

// known, found: what the view shows. onstarted(run id, title).
export function openJudge(root, { known, found, onstarted }) {
  const last = known.judges.find((one) => one.key === found.judge?.key)?.settings;
  const ready = known.providers.find((one) => one.key_set && one.model) ?? known.providers[0];
  const model = { judge: last ? { provider: last.provider, model: last.model, base_url: last.base_url, key_env: last.key_env } : { provider: ready.provider, model: ready.model }, which: "unparsed", audit: 200, again: false, batch: false };
  let plan = null, asked = 0, timer = 0, sending = false;
  const left = el("div", { class: "pb left col" }), right = el("div", { class: "pb col pv" });
  const go = el("button", { class: "btn p", type: "button", "aria-keyshortcuts": "Control+Enter", onclick: () => start() });
  const dialog = openDialog(root, { title: "Ask a judge", lead: el("span", { class: "t2 lead clip" }, "about what listeners said, as text"), cls: "build place jd-ask", body: el("div", { class: "dg" }, left, right),
    foot: el("div", { class: "ph end" }, el("span", { class: "sp" }), el("button", { class: "btn q", type: "button", onclick: () => dialog.close() }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "Esc")), go), onclose: () => { clearTimeout(timer); asked += 1; } });
  dialog.node.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); start(); } });

  const provider = () => known.providers.find((one) => one.provider === model.judge.provider);
  function field(label, name, attrs = {}) {
    const input = el("input", { class: "in s", spellcheck: "false", autocomplete: "off", "aria-label": label, value: String(model.judge[name] ?? ""), ...attrs });
    input.addEventListener("input", () => { model.judge = { ...model.judge, [name]: input.value.trim() }; changed(); });
    return el("label", { class: "col g4y sm t3" }, label, input);
  }
  const option = (name, value, words, checked, run, more = null) => {
    const box = el("input", { type: "radio", name, value });
    box.checked = checked;
    box.addEventListener("change", () => { run(); changed(); });
    return el("label", { class: "fl" }, box, el("span", {}, words), more);
  };
  const check = (key, words, more) => {
    const box = el("input", { type: "checkbox" });
    box.checked = model[key];
    box.addEventListener("change", () => { model[key] = box.checked; changed(); });
    return el("label", { class: "fl" }, box, el("span", {}, words), el("span", { class: "sm t3" }, more));
  };
  function draw() {
    const one = provider();
    const sample = el("input", { class: "in s", "aria-label": "How many", inputmode: "numeric", size: "6", value: String(model.audit) });
    sample.addEventListener("input", () => { model.audit = /^\d+$/.test(sample.value) ? Number(sample.value) : sample.value; if (model.which === "audit") changed(); });
    replace(left, el("h3", {}, "Who judges"), el("div", { role: "radiogroup", "aria-label": "Who judges" }, known.providers.map((each) => option("provider", each.provider, each.title, each.provider === model.judge.provider,
      () => { model.judge = { provider: each.provider, model: each.model }; draw(); left.querySelector(`[value=${each.provider}]`)?.focus(); }, keyWord(each)))),
    el("div", { class: "row w jd-fields" }, field("Model", "model", { size: "22" }), field("Address of the server", "base_url", { size: "26", placeholder: one.provider === "compatible" ? "http://127.0.0.1:8000/v1" : "the vendor’s own" }), field("Variable with the key", "key_env", { size: "20", placeholder: one.key_env })),
    el("h3", {}, "About which responses"), el("div", { role: "radiogroup", "aria-label": "About which responses" }, Object.entries(WHICH).map(([which, words]) => option("which", which, words, which === model.which, () => { model.which = which; }, which === "audit" ? sample : null))),
    el("div", { class: "col pt" }, one.batch ? check("batch", "As a batch", "cheaper where the price is known; up to a day") : null, check("again", "Ask again", "where its word did not count")));
  }
  const body = () => ({ ...model, judge: Object.fromEntries(Object.entries(model.judge).filter(([, value]) => value)), batch: model.batch && provider().batch });
  function label() {
    const ok = plan !== null && plan.requests > 0 && !plan.blocked;
    go.setAttribute("aria-disabled", String(!ok));
    replace(go, plan === null ? "Judge …" : plan.blocked ? "Cannot start" : plan.requests === 0 ? "Nothing to judge" : `Judge ${plural(plan.responses, "response")} `, ok ? submitKey() : null);
  }
  function changed() {
    plan = null;
    right.setAttribute("aria-busy", "true");
    label();
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  }
  async function ask() {
    const mine = (asked += 1);
    let failure = null, got = null;
    const missing = toldMissing(model.judge);
    if (missing) failure = new Error(missing);
    else try { got = await post("/api/judging/plan", body()); } catch (error) { failure = error; }
    if (mine !== asked) return;
    plan = got;
    right.removeAttribute("aria-busy");
    label();
    const line = (words, value) => el("tr", {}, el("td", {}, words), el("td", { class: "num" }, value));
    replace(right, el("h3", {}, "What will happen"), failure ? el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, failure.message)) : [
      el("table", { class: "c plan" }, el("tbody", {}, line("responses to read", grouped(plan.responses)), line("requests", grouped(plan.requests)), line("read by this judge already", grouped(plan.read)), line("tokens, about", grouped(plan.tokens)), line("cost, about", plan.requests ? dollars(plan.cost_usd) : "–"))),
      el("div", { class: "col g4y" }, plan.notes.map((note) => el("span", { class: `st top ${note.level}` }, icon(GLYPH[note.level] ?? "info"), el("span", {}, note.text))))]);
  }
  async function start() {
    if (!plan || plan.blocked || !plan.requests || sending) return;
    sending = true;
    try {
      const { run, title } = await post("/api/judging/start", body());
      onstarted(run, title);
      dialog.close();
    } catch (error) { right.prepend(el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, error.message))); }
    sending = false;
  }
  draw();
  changed();
  go.focus();
  return dialog;
}

// What has to be filled in before the server is asked what it would cost.
const toldMissing = (judge) => (!judge.model && judge.provider !== "compatible" ? "Name the model." : judge.provider === "compatible" && !(judge.model && judge.base_url) ? "Name the model and the address of its server." : "");
const keyWord = (one) => (one.key_set ? el("span", { class: "st sm ok" }, icon("check"), el("span", { class: "t3" }, one.provider === "compatible" ? "its own address" : `${one.key_env} is set`)) : el("span", { class: "st sm warn" }, icon("alert"), el("span", { class: "t3" }, `${one.key_env} is not set`)));
