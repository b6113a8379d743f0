// Labelling: responses one after another, as text, for a person to read. Nothing here hints at what is true, who answered, or what others said.
import { get, post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { pushScope } from "../base/keys.js";
import { grouped, labelWord, plural } from "./parts.js";

const TASKS = { sync: "Are picture and sound in time?", existence: "Is there a sound?", consistency: "Do picture and sound belong together?", choice: "Which choice?" };
const WORDS = { refused: "declines to answer", unparsed: "cannot tell" };

// ondone(how many were labelled) when it closes.
export function openLabelling(root, { count, ondone }) {
  const queue = { items: [], at: 0, given: new Map(), sending: false };
  const body = el("div", { class: "pb jd-queue", "aria-live": "polite" }, el("i", { class: "sk" }), el("i", { class: "sk" }), el("i", { class: "sk" }));
  const count_ = el("span", { class: "num t2" }), bar = el("i"), said = el("p", { class: "sm bad", role: "alert" });
  const dialog = openDialog(root, { title: "What does this response say?", lead: count_, cls: "jd-dlg", body: el("div", { class: "col" }, el("span", { class: "pg jd-line" }, bar), body),
    foot: el("div", { class: "ph end" }, el("button", { class: "btn q", type: "button", onclick: () => step(-1) }, "Back ", el("kbd", {}, "←")), el("button", { class: "btn q", type: "button", onclick: () => step(1) }, "Skip ", el("kbd", {}, "→")), said, el("span", { class: "sp" }),
      el("span", { class: "sm t3" }, "Go by the words alone. Each answer is kept at once.")),
    onclose: () => { pop?.(); ondone(queue.given.size); } });
  let pop = null;

  const item = () => queue.items[queue.at];
  function step(by) {
    queue.at = Math.min(queue.items.length, Math.max(0, queue.at + by));
    draw();
  }
  async function give(label) {
    const one = item();
    if (!one || queue.sending) return;
    queue.sending = true;
    said.textContent = "";
    try {
      await post("/api/results/readings", { response: one.response, label });
      queue.given.set(one.response, label);
      queue.at += 1;
    } catch (error) { said.textContent = error.message; }
    queue.sending = false;
    draw();
  }
  function keys() {
    pop?.();
    const digits = (item()?.labels ?? []).map((label, at) => ({ id: `label-${at + 1}`, key: String(at + 1), label: labelWord(label), run: () => give(label) }));
    pop = pushScope([...digits.slice(0, 9), { id: "label-back", key: "ArrowLeft", label: "Back", run: () => step(-1) }, { id: "label-skip", key: "ArrowRight", label: "Skip", run: () => step(1) }], { modal: true });
  }
  function draw() {
    keys();
    const total = queue.items.length, one = item();
    bar.style.width = `${total ? (100 * queue.at) / total : 0}%`;
    count_.textContent = one ? `${grouped(queue.at + 1)} of ${grouped(total)}` : "";
    if (!one) { replace(body, finished()); body.querySelector("button")?.focus(); return; }
    const given = queue.given.get(one.response);
    replace(body, el("p", { class: "sm t3" }, TASKS[one.task] ?? ""), el("details", { class: "sm t2" }, el("summary", {}, "The question as it was put"), el("p", { class: "jd-text t2" }, one.question)),
      el("div", { class: "jd-text jd-response", tabindex: "0", role: "region", "aria-label": "Response" }, one.text),
      el("div", { class: "jd-labels", role: "group", "aria-label": "Answers" }, one.labels.map((label, at) => el("button", { type: "button", class: `btn${given === label ? " on" : ""}`, "aria-pressed": String(given === label), onclick: () => give(label) },
        at < 9 && el("kbd", { "aria-hidden": "true" }, String(at + 1)), WORDS[label] ?? labelWord(label)))));
    body.querySelector(".jd-response").focus({ preventScroll: true }); // not on a button that the space bar would press
  }
  const finished = () => el("div", { class: "empty" }, el("h2", {}, queue.items.length ? `${plural(queue.given.size, "response")} labelled` : "Nothing left to label"),
    el("p", { class: "sm" }, queue.items.length ? "They count at once, in the table and in how far the judge can be trusted." : "People have read every response that holds words."), el("button", { class: "btn p", type: "button", onclick: () => dialog.close() }, "Done"));

  get(`/api/judging/queue?n=${count}`, { signal: dialog.signal }).then((found) => { queue.items = found.items; draw(); }, (error) => { if (!dialog.signal.aborted) replace(body, el("p", { class: "note bad", role: "alert" }, error.message)); });
  return dialog;
}
