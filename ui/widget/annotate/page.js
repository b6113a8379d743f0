// The Annotate page: the bar, who is signed in, the queue, what waits to be sent, and the workbench.
import { get } from "../base/api.js";
import { Bench } from "./bench.js";
import { Queue } from "./queue.js";
import { el, replace } from "../base/dom.js";
import { initAccount, makePage, nameWorkspace } from "../base/frame.js";
import { openHelp } from "../base/help.js";
import { initJump } from "../base/jump.js";
import { listen, pushScope, setBase } from "../base/keys.js";
import { Outbox } from "../base/outbox.js";
import { atWork, makeDrawer, pollRuns, tellFinished } from "../base/runs.js";
import { initTheme } from "../base/theme.js";
import { initToasts, toast } from "../base/toast.js";

export const { start, mount } = makePage(startPage);

function startPage(root) {
  const signal = new AbortController().signal; // the page lives as long as the document
  const asked = new URLSearchParams(location.search);
  const page = { root, signal, view: root.querySelector("#view"), cards: null, adjudicates: asked.get("adjudicate") === "1", clip: asked.get("clip"), calibrates: asked.get("calibrate") === "1", segments: asked.get("segments") === "1" ? { first: asked.get("segment") } : null };
  initTheme(root.querySelector("[data-do=theme]"), signal);
  initToasts(root);
  listen(signal);
  initBar(page);
  begin(page);
  return page;
}

function initBar(page) {
  const { root, signal } = page, help = () => openHelp(root, { onclose: () => page.bench?.rekey() });
  page.drawer = makeDrawer(root, { poll: () => page.poll, signal });
  page.poll = pollRuns({ signal, eager: () => !page.bench?.task, onchange: (runs) => { page.drawer.draw(runs); page.making = runs.some(atWork); }, onfinish: (run) => { tellFinished(run, { onreport: () => location.assign("/clips"), onshow: (id) => page.drawer.show(id) }); page.queue?.fill(true); } });
  page.jump = initJump(root, { cards: () => page.cards ?? [], onopen: (id) => (page.adjudicates || page.segments ? location.assign(`/annotate?clip=${encodeURIComponent(id)}`) : page.bench?.sender.open(id)), signal });
  root.querySelector("[data-part=jump]").addEventListener("focus", () => listClips(page), { signal });
  root.querySelector("[data-do=skip]").addEventListener("click", () => page.view.focus(), { signal });
  root.querySelector("[data-do=help]").addEventListener("click", help, { signal });
  setBase([
    { id: "search", key: "/", label: "Go to clip", run: () => page.jump.focus() },
    { id: "runs", key: "p", label: "Show or hide the runs", run: () => page.drawer.toggle() },
    { id: "help", key: "?", label: "Keys and help", run: help },
  ]);
}

// The names to go to are asked for when somebody wants to go.
async function listClips(page) {
  try {
    const found = await get("/api/clips");
    page.cards = found.clips;
    nameWorkspace(page.root, found.workspace);
  } catch { /* the banner says that the server is away */ }
}

async function begin(page) {
  try { page.me = await initAccount(page.root); } catch (error) {
    page.view.removeAttribute("aria-busy");
    replace(page.view, el("div", { class: "panel empty first-steps" }, el("h2", {}, "The page could not be opened"), el("p", { class: "sm" }, error.message), el("button", { class: "btn", type: "button", onclick: () => begin(page) }, "Try again")));
    return;
  }
  if (page.segments) { await openSegments(page); return; }
  const { root, signal, me } = page;
  page.outbox = new Outbox({ person: me.name, signal, onsaved: (entry, answer) => saved(page, entry, answer), onrefused: (_, { sentence }) => toast(sentence, { level: "warn" }), onchange: () => page.bench?.saveShown() });
  page.queue = new Queue({ adjudicates: page.adjudicates, signal, passing: () => page.outbox.clips(), onchange: (answer) => filled(page, answer), onfail: (error) => failed(page, error) });
  page.bench = new Bench(page.view, { queue: page.queue, outbox: page.outbox, me, adjudicates: page.adjudicates, canAdjudicate: me.role !== "annotator", clips: () => page.cards?.length ?? null, oncalibrate: () => calibrate(page), onshow: (clip) => follow(page, clip) });
  page.view.removeAttribute("aria-busy");
  root.classList.add("annotating");
  pushScope(page.bench.bindings);
  const { bench } = page;
  window.__thud = { ...window.__thud, engine: bench.engine, prefetch: bench.prefetch, timeline: bench.timeline, bench, outbox: page.outbox, queue: page.queue, clipId: () => bench.task?.clip ?? null };
  listClips(page);
  await page.queue.fill(true, page.clip);
  performance.mark("thud-annotate");
  if (page.calibrates) calibrate(page);
  linkSegments(page);
}

// The other queue of this page: described segments, in place of the workbench.
async function openSegments(page) {
  const { Segments } = await import("./segments.js");
  page.view.removeAttribute("aria-busy");
  const segments = new Segments(page.view, page.segments.first);
  listClips(page);
  await segments.begin();
  performance.mark("thud-segments");
}

// The way there, where there are any.
async function linkSegments(page) {
  try {
    const { all, left } = await get("/api/segments/count");
    if (all > 0) page.bench.node.querySelector(".hd").append(el("a", { class: "btn q s lo", href: "/annotate?segments=1", title: "Go over descriptions of what is seen and heard" }, left ? `Segments ${left}` : "Segments"));
  } catch { /* only a link less */ }
}

// The address names the clip, so that a reload or a link comes back to it.
function follow(page, clip) {
  if (!page.adjudicates) history.replaceState(history.state, "", `/annotate?clip=${encodeURIComponent(clip)}`);
}

function filled(page, answer) {
  const { bench, queue, me } = page;
  if (answer.me) Object.assign(me, answer.me);
  if (answer.settings) bench.tolerance = { picture: answer.settings.eps_visual_s, sound: answer.settings.eps_audio_s };
  if (!bench.progress || !answer.stale) bench.setProgress(answer.progress);
  if (!bench.task) {
    if (queue.ahead.length > 0) bench.show(queue.next());
    else bench.showNone("empty");
  } else bench.near();
}

function failed(page, error) {
  if (!page.bench.task) page.bench.showNone("error", error);
}

function saved(page, entry, answer) {
  if (answer.late) toast("Saved. Somebody else has been given this clip meanwhile, so it now has two marks.", { level: "info" });
  if (answer.state === "older") toast("A newer mark of yours on this clip is in force; this older one changed nothing.", { level: "info" });
  page.queue.saves += 1;
  page.bench.setProgress(answer.progress);
  const task = page.bench.sender.past.get(entry.clip);
  if (task && page.adjudicates) task.expects = answer.ev_id; // to decide again replaces this decision
}

async function calibrate(page) {
  page.bench.engine.pause();
  const { openCalibration } = await import("./calibrate.js");
  openCalibration(page.root, { me: page.me, onsaved: (me) => { if (me) Object.assign(page.me, me); page.queue.fill(true); } });
}
