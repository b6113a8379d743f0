// What general-video pairs are made from, and what models are asked: to check descriptions, to put a set's answers into other words.
import { get, post } from "../base/api.js";
import { submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { field, formDialog, pathInput } from "./dialogs.js";
import { count, note, plural } from "./parts.js";
import { dollars } from "../base/place.js";
import { toast } from "../base/toast.js";

const KIND_WORDS = { segments: "segments: stretches of a video that somebody described", choices: "multiple choice questions" };
const WAIT_MS = 250;
const CHECKERS = { gemini: ["Gemini", "sees and hears"], claude: ["Claude", "sees stills only, says nothing of the sound"] };

// ---------- what is there ----------

// What is there, taking a file in, and what people and models can do about it. parts: as of openImport, with overview() and reload().
export function openMaterial(parts) {
  const file = pathInput("", "/data/finevideo/segments.jsonl"), here = el("div", { class: "col g12" }), agreed = el("p", { class: "sm t2", role: "status" });
  const draw = () => {
    const { material } = parts.overview(), segments = material.files.some(({ kind }) => kind === "segments");
    replace(here, el("h3", {}, "In this workspace"), material.files.length ? el("ul", { class: "subjects sm" }, material.files.map(fileRow)) : el("p", { class: "sm t3" }, "No file yet."),
      el("p", { class: "sm t2" }, `${plural(material.segments, "segment")} and ${plural(material.choices, "choice question")}, ${count(material.audio_choices)} of them about the sound.`),
      ...(segments ? [agreed, el("div", { class: "row" }, el("button", { class: "btn s makes", type: "button", onclick: () => { dialog.close(); openCheck(parts); } }, "Check with a model…"), el("a", { class: "btn q s", href: "/annotate?segments=1" }, "Go over them yourself"))] : []),
      ...(material.audio_choices > 0 ? withoutSound(parts, () => dialog.close()) : []));
    if (segments) get("/api/segments/agreement").then((report) => { agreed.textContent = agreementWords(report); }, (error) => { agreed.textContent = error.message; });
  };
  const dialog = formDialog(parts.root, { title: "General-video material", verb: "Take in", lead: "Described segments (FineVideo’s layout) and multiple choice questions, as JSON or JSONL. Every row names a video that is a clip of this workspace; other rows are refused, with their number.", fields: [field("File on this machine", file)], more: here,
    send: async () => {
      if (!file.value.trim()) throw new Error("Write the path of the file first.");
      const got = await post("/api/pairs/material", { path: file.value.trim() });
      const refused = Object.entries(got.refused ?? {});
      await parts.reload();
      draw();
      file.value = "";
      toast(`${plural(got.rows, "row")} of “${got.title}”: ${KIND_WORDS[got.kind] ?? got.kind}.${refused.length ? ` Refused: ${refused.slice(0, 2).map(([reason, n]) => `${count(n)} × ${reason}`).join(" ")}` : ""}`, { level: refused.length ? "warn" : "ok", stays: refused.length > 0 });
      return false;
    } });
  draw();
}
const rowsOf = (one) => (Array.isArray(one.rows) ? one.rows.length : one.rows ?? 0);
const refusedOf = (one) => (typeof one.refused === "number" ? one.refused : Object.values(one.refused ?? {}).reduce((sum, n) => sum + n, 0));
const fileRow = (one) => el("li", {}, el("b", {}, one.title || one.id), el("span", { class: "t3" }, `  ${plural(rowsOf(one), "row")}, ${one.kind}`, refusedOf(one) > 0 && `, ${count(refusedOf(one))} refused`));

// A question about the sound counts only where a listener without sound gets it wrong: asking one.
function withoutSound(parts, close) {
  const { material, choosers } = parts.overview(), ask = el("select", { class: "in s", "aria-label": "Listener" }, choosers.map((name) => el("option", { value: name }, name))), said = el("p", { class: "bad sm", role: "alert" });
  const send = async () => {
    try {
      const { run, title } = await post("/api/pairs/ask-without-sound", { listener: ask.value });
      close();
      parts.started(run, title);
    } catch (error) { said.textContent = error.message; }
  };
  return [el("p", { class: "sm t2" }, `Of the questions about the sound, those count that a listener without sound gets wrong: ${count(material.kept_without_sound)} of ${count(material.asked_without_sound)} that were asked.`),
    choosers.length > 0 && el("div", { class: "row makes" }, ask, el("button", { class: "btn s", type: "button", onclick: send }, "Ask it without sound")), said];
}

// "People have gone over 12 of 48 segments. They say the same as the file about 9 of 12, as gemini about 8 of 10. Two people differ about 1."
function agreementWords({ segments, seen, disputed, against }) {
  if (!seen) return `Nobody has gone over the ${plural(segments, "segment")} yet, so how far the file and the models can be trusted is not known.`;
  const said = against.filter(({ n }) => n > 0).map(({ name, n, agree }) => `as ${name} about ${count(Math.round(agree.value * n))} of ${count(n)}`);
  return `People have gone over ${count(seen)} of ${plural(segments, "segment")}. They say the same ${said.join(", ")}.${disputed ? ` Two people differ about ${count(disputed)}.` : ""}`;
}

// ---------- what models are asked ----------

// A dialog that says what asking a model would do and cost before it is asked. route: starts it, and under /plan says what it would do.
// fields(changed): above the plan; lines(plan): [words, value] each; verb(plan): on the button, "" where there is nothing to ask about.
function askModel(parts, { title, lead, route, body, fields, lines, more = () => [], verb, none }) {
  let asked = 0, timer = 0;
  const settled = () => parts.settled("the model would be asked without them");
  const told = el("div", { class: "col g12 will", "aria-live": "polite" });
  const changed = () => { label("…", false); told.setAttribute("aria-busy", "true"); clearTimeout(timer); timer = setTimeout(plan, WAIT_MS); };
  const dialog = formDialog(parts.root, { title, lead, verb: "…", fields: [...fields(changed), told],
    send: async () => {
      await settled();
      const { run, title: words } = await post(route, body());
      parts.started(run, words);
      return true;
    } });
  const label = (words, on) => { dialog.go.disabled = !on; replace(dialog.go, words, on && " ", on && submitKey()); };
  async function plan() {
    const mine = (asked += 1);
    let found = null, failure = null;
    try { await settled(); found = await post(`${route}/plan`, body()); } catch (error) { failure = error; }
    if (mine !== asked || !dialog.node.isConnected) return;
    told.removeAttribute("aria-busy");
    if (failure) { replace(told, note("bad", failure.message)); label("Cannot start", false); return; }
    replace(told, el("table", { class: "c plan" }, el("tbody", {}, lines(found).filter(Boolean).map(([words, value]) => el("tr", {}, el("td", {}, words), el("td", { class: "num" }, value))))), ...more(found, changed), found.blocked && note("warn", found.blocked));
    label(found.blocked ? "Cannot start" : verb(found) || none, !found.blocked && verb(found) !== "");
  }
  label("…", false);
  plan();
}
const costLines = (plan, n) => [["tokens, about", count(plan.tokens)], ["cost, about", n ? dollars(plan.cost_usd) : "–"]];
const given = (told) => Object.fromEntries(Object.entries(told).filter(([, value]) => value));

// Another model than the usual one, or another address; what is written goes into told.
function otherModel(told, changed) {
  const input = (words, name, placeholder) => {
    const node = el("input", { class: "in s", size: "24", spellcheck: "false", autocomplete: "off", value: told[name] ?? "", placeholder });
    node.addEventListener("input", () => { told[name] = node.value.trim(); changed(); });
    return el("label", { class: "col g4y sm t3" }, words, node);
  };
  return el("details", {}, el("summary", { class: "sm t3" }, "Model, address"), el("div", { class: "row w" }, input("Model", "model", "the usual one"), input("Address of the server", "base_url", "the vendor’s own")));
}

// Puts the answers of the set that is shown into other words: a new set, this one stays.
export function openReword(parts) {
  const set = parts.set(), told = {};
  askModel(parts, { title: "Reword the answers", route: "/api/pairs/rewrite", none: "Nothing to reword",
    lead: "Claude says the answers of this set in other words, so that nobody can learn the sentences of the templates instead of listening. It is sent words only, no picture or sound, and is never told which answer is chosen.",
    body: () => ({ set: set.id, ...given(told) }),
    fields: (changed) => [el("p", { class: "sm t2" }, "A new wording is taken only where it says the same: label, direction, every time and every number survive, and what is named is still named. Of a pair both answers are replaced or none. The result is a new set; this one stays as it is."), otherModel(told, changed)],
    lines: (plan) => [["model", plan.model], ["answers to reword", count(plan.texts)], ["requests", count(plan.requests)], plan.as_is > 0 && ["pairs that stay as they are: JSON, a bare letter, very long", count(plan.as_is)], ...costLines(plan, plan.texts)],
    verb: (plan) => (plan.texts ? `Reword ${plural(plan.texts, "answer")}` : "") });
}

// Has a model say of each described segment whether it is right. Its word counts over the file’s, a person’s over both.
function openCheck(parts) {
  const told = Object.fromEntries(Object.keys(CHECKERS).map((name) => [name, {}])), other = el("div");
  let who = "gemini", again = false;
  const choice = (name, changed) => {
    const box = el("input", { type: "radio", name: "checker", value: name, checked: name === who });
    box.addEventListener("change", () => { who = name; again = false; replace(other, otherModel(told[who], changed)); changed(); });
    return el("label", { class: "fl" }, box, el("b", {}, CHECKERS[name][0]), el("span", { class: "sm t2" }, CHECKERS[name][1]));
  };
  const askAgain = (plan, changed) => {
    const box = el("input", { type: "checkbox", checked: again });
    box.addEventListener("change", () => { again = box.checked; changed(); });
    return el("label", { class: "fl sm" }, box, `Ask again about ${plural(plan.before, "segment")} that it gave no word on`);
  };
  askModel(parts, { title: "Check the descriptions", route: "/api/segments/check", none: "Nothing to check",
    lead: "A model is shown each described segment and agrees, corrects it or rejects it. What it corrects or leaves out counts when pairs are built, until a person says otherwise.",
    body: () => ({ annotator: { name: who, ...given(told[who]) }, again }),
    fields: (changed) => { replace(other, otherModel(told[who], changed)); return [el("div", { role: "radiogroup", "aria-label": "Who checks" }, Object.keys(CHECKERS).map((name) => choice(name, changed))), other]; },
    lines: (plan) => [["model", plan.model], ["segments to check", count(plan.segments)], plan.known > 0 && ["has given its word on", count(plan.known)], ...costLines(plan, plan.segments)],
    more: (plan, changed) => (plan.before > 0 ? [askAgain(plan, changed)] : []),
    verb: (plan) => (plan.segments ? `Check ${plural(plan.segments, "segment")}` : "") });
}
