// The Listen page: people take the items that models are asked, blind. First what is asked and how far one is, then one item after
// the other (turns.js). Nothing here knows which clip or condition an item is.
import { get } from "../base/api.js";
import { capOf, SaveState, state } from "../annotate/view.js";
import { el, replace } from "../base/dom.js";
import { Engine } from "../sound/engine.js";
import { initAccount, makePage } from "../base/frame.js";
import { openHelp } from "../base/help.js";
import { listen, pushScope, setBase } from "../base/keys.js";
import { Turns } from "./turns.js";
import { Outbox } from "../base/outbox.js";
import { atWork, makeDrawer, pollRuns, tellFinished } from "../base/runs.js";
import { initTheme } from "../base/theme.js";
import { initToasts, toast } from "../base/toast.js";

const TONE_HZ = 440, TONE_S = 0.6;
export const { start, mount } = makePage(startPage);

function startPage(root) {
  const signal = new AbortController().signal; // the page lives as long as the document
  const page = { root, signal, view: root.querySelector("#view"), task: new URLSearchParams(location.search).get("task"), turns: null, unscope: () => {} };
  initTheme(root.querySelector("[data-do=theme]"), signal);
  initToasts(root);
  listen(signal);
  const help = () => openHelp(root);
  page.drawer = makeDrawer(root, { poll: () => page.poll, signal });
  page.poll = pollRuns({ signal, eager: () => false, onchange: (runs) => { page.drawer.draw(runs); page.making = runs.some(atWork); }, onfinish: (run) => { if (!page.turns) { tellFinished(run, { onreport: () => location.assign("/clips"), onshow: (id) => page.drawer.show(id) }); intro(page); } } });
  root.querySelector("[data-do=skip]").addEventListener("click", () => page.view.focus(), { signal });
  root.querySelector("[data-do=help]").addEventListener("click", help, { signal });
  setBase([{ id: "runs", key: "p", label: "Show or hide the runs", run: () => page.drawer.toggle() }, { id: "help", key: "?", label: "Keys and help", run: help }]);
  begin(page);
  return page;
}

async function begin(page) {
  try { page.me = await initAccount(page.root); } catch (error) { broken(page, error, () => begin(page)); return; }
  page.engine = new Engine();
  page.engine.deck.volume = 1; // whatever was set elsewhere: what is played too softly is taken for silence
  page.save = new SaveState({ look: (entry) => { toast(entry.refused.sentence, { level: "warn" }); page.outbox.drop(entry.id); } });
  page.outbox = new Outbox({
    person: `${page.me.name}/listen`, signal: page.signal, onsaved: () => {}, onrefused: (entry, { sentence }) => { toast(sentence, { level: "warn" }); page.outbox.drop(entry.id); },
    onchange: () => page.save.show(page.outbox.state, false),
  });
  window.__thud = { ...window.__thud, engine: page.engine, outbox: page.outbox, listen: page };
  await intro(page);
  performance.mark("thud-listen");
}

function broken(page, error, again) {
  page.view.removeAttribute("aria-busy");
  replace(page.view, el("div", { class: "lt instead" }, state("The page could not be opened", error.message, el("button", { class: "btn", type: "button", onclick: again }, "Try again"))));
}

// ---- before the first item
async function intro(page) {
  let tasks;
  try { ({ tasks } = await get("/api/test")); } catch (error) { broken(page, error, () => intro(page)); return; }
  if (page.turns) return;
  const left = tasks.filter((one) => one.answered < one.items);
  page.tasks = tasks;
  page.task = (tasks.find((one) => one.task === page.task) ?? left.find((one) => one.answered > 0) ?? left[0] ?? tasks[0]).task;
  page.view.removeAttribute("aria-busy");
  page.unscope();
  page.unscope = pushScope([
    { id: "listen.begin", key: "Enter", label: "Begin, or go on", run: () => open(page) },
    { id: "listen.tone", key: "t", label: "Play a tone, to check that you hear it", run: () => tone(page.engine.context) },
    ...tasks.map((one, at) => ({ id: `listen.task-${one.task}`, key: String(at + 1), label: `Task: ${one.title}`, run: () => choose(page, one.task) })),
  ]);
  drawIntro(page);
}

function choose(page, task) {
  page.task = task;
  history.replaceState(history.state, "", `/listen?task=${task}`);
  drawIntro(page);
  page.view.querySelector(`[data-task=${task}]`)?.focus();
}

function drawIntro(page) {
  const { tasks } = page, now = tasks.find((one) => one.task === page.task);
  if (tasks.every((one) => one.items === 0)) {
    replace(page.view, el("div", { class: "lt instead" }, state("Nothing to listen to yet", page.making ? "Soundtracks are being built. This page shows them when they are done." : "The test plays the soundtracks that models are asked about. A researcher builds them on the Clips page.", el("a", { class: "btn", href: "/clips" }, "Open Clips"))));
    return;
  }
  const done = now.items > 0 && now.answered >= now.items;
  const words = now.items === 0 ? "There is nothing to hear for this task yet." : done ? "You have answered all of these. Thank you." : now.answered > 0 ? `You have answered ${now.answered} of ${now.items}.` : `${now.items} short clips, one after the other. Stop whenever you like and go on another day.`;
  const card = el("div", { class: "panel lt-card" },
    el("div", { class: "lt-tasks", role: "radiogroup", "aria-label": "Task" }, tasks.map((one, at) => taskButton(page, one, at))),
    el("h1", {}, now.text),
    el("p", { class: "t2" }, words, now.missing > 0 && ` ${now.missing} are left out, because their files are missing.`),
    el("p", { class: "t2" }, "Wear headphones. Answer by what you hear and see, not by what is likely; if you cannot tell, say so. You are not told what was right."),
    el("div", { class: "row lt-go" },
      el("button", { class: "btn p", type: "button", disabled: done || now.items === 0, "data-do": "begin", onclick: () => open(page) }, now.answered > 0 ? "Go on " : "Begin ", capOf([{ id: "listen.begin", key: "Enter" }], "listen.begin")),
      el("button", { class: "btn", type: "button", onclick: () => tone(page.engine.context) }, "Play a tone ", el("kbd", { "aria-hidden": "true" }, "t")), el("span", { class: "sp" }), page.save.node));
  replace(page.view, el("div", { class: "lt instead" }, card));
  page.save.show(page.outbox.state, false);
}

function taskButton(page, { task, title, answered, items }, at) {
  return el("button", { type: "button", role: "radio", "aria-checked": String(task === page.task), "data-task": task, onclick: () => choose(page, task) },
    el("span", { class: "row" }, el("b", {}, title), el("span", { class: "sp" }), el("kbd", { "aria-hidden": "true" }, String(at + 1))), el("small", {}, items === 0 ? "nothing yet" : `${answered} of ${items}`));
}

function tone(context) {
  context.resume().catch(() => {});
  const source = context.createOscillator(), gain = context.createGain(), now = context.currentTime + 0.05;
  source.frequency.value = TONE_HZ;
  gain.gain.setValueAtTime(0, now);
  gain.gain.linearRampToValueAtTime(0.2, now + 0.02);
  gain.gain.setValueAtTime(0.2, now + TONE_S - 0.05);
  gain.gain.linearRampToValueAtTime(0, now + TONE_S);
  source.connect(gain).connect(context.destination);
  source.start(now);
  source.stop(now + TONE_S);
}

// ---- the items
function open(page) {
  const asked = page.tasks.find((one) => one.task === page.task);
  if (page.turns || asked.answered >= asked.items) return;
  page.engine.context.resume().catch(() => {}); // a key or a click brought us here: sound is allowed from now on
  history.replaceState(history.state, "", `/listen?task=${asked.task}`);
  page.unscope();
  page.turns = new Turns(page.view, { asked, engine: page.engine, outbox: page.outbox, save: page.save, onstop: () => close(page) });
  page.unscope = pushScope(page.turns.bindings);
  document.title = `${asked.title} · thud`;
  page.turns.begin();
}

function close(page) {
  page.turns.destroy();
  page.turns = null;
  page.unscope();
  page.unscope = () => {};
  const waiting = page.outbox.waiting().at(-1);
  Promise.race([waiting ? page.outbox.settled(waiting.id) : null, new Promise((done) => { setTimeout(done, 1000); })]).then(() => intro(page));
}
