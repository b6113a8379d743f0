// The Train page: a new run and what speaks against it on the left; on the right all runs, and the one that is looked at. The address is the state (parts.js).
import { get, post } from "../base/api.js";
import { copy } from "../base/clipboard.js";
import { closeDialogs } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { initAccount, makePage, nameWorkspace } from "../base/frame.js";
import { openHelp } from "../base/help.js";
import { initJump } from "../base/jump.js";
import { listen, pushScope, setBase } from "../base/keys.js";
import { atWork, makeDrawer, pollRuns, tellFinished } from "../base/runs.js";
import { initTheme } from "../base/theme.js";
import { fail, initToasts, toast } from "../base/toast.js";
import { copyLink } from "../results/export.js";
import { note } from "../pairs/parts.js";
import { trouble } from "../results/parts.js";
import { BeforePanel } from "./before.js";
import { CheckPanels } from "./check.js";
import { openDelete, openExport, openMerge, openPush } from "./dialogs.js";
import { NewRun } from "./new_run.js";
import { KINDS, active, addressOf, lately, readState } from "./parts.js";
import { RunPanel } from "./run.js";
import { RunsPanel } from "./runs_table.js";
import { ChainStrips, goesOn, noRuns, teachButton } from "./strip.js";

const WAIT_MS = 350, HIDDEN = "thud.train.hidden";
export const { start, mount } = makePage(startPage);

function startPage(root) {
  const signal = new AbortController().signal; // the page lives as long as the document
  const page = { root, signal, view: root.querySelector("#view"), cards: [], overview: null, details: null, waited: new Set(), state: readState(location.search) };
  initTheme(root.querySelector("[data-do=theme]"), signal);
  initToasts(root);
  page.drawer = makeDrawer(root, { poll: () => page.poll, signal });
  page.poll = pollRuns({ signal, eager: () => false, onchange: (runs) => moved(page, runs), onfinish: (run) => finished(page, run) });
  page.jump = initJump(root, { cards: () => page.cards, onopen: (id) => location.assign(`/clips?clip=${encodeURIComponent(id)}`), signal });
  for (const [name, run] of Object.entries({ skip: () => page.view.focus(), help: () => openHelp(root) })) root.querySelector(`[data-do=${name}]`).addEventListener("click", run);
  window.addEventListener("popstate", () => { page.state = readState(location.search); closeDialogs(root); if (page.overview) draw(page); }, { signal });
  listen(signal);
  setBase([
    { id: "train-link", key: "y", label: "Copy the link to this run", run: () => copyLink() },
    { id: "search", key: "/", label: "Go to clip", run: () => page.jump.focus() },
    { id: "runs", key: "p", label: "Show or hide the runs of all pages", run: () => page.drawer.toggle() },
    { id: "help", key: "?", label: "Keys and help", run: () => openHelp(root) },
  ]);
  begin(page);
  return page;
}

async function begin(page) {
  try {
    page.me = await initAccount(page.root);
    page.overview = await get("/api/train");
  } catch (error) {
    replace(page.view, trouble(error, () => begin(page)));
    page.view.removeAttribute("aria-busy");
    return;
  }
  get("/api/clips").then((found) => { page.cards = found.clips; nameWorkspace(page.root, found.workspace); }, () => {}); // only for the search and the workspace's name
  build(page);
  page.form.begin();
  ask(page);
  draw(page);
  page.view.removeAttribute("aria-busy");
  performance.mark("thud-train");
}

// Titles of recipes, all their settings, the GPUs: after the first check, which is what somebody waits for.
async function learnDetails(page) {
  if (page.learning) return;
  page.learning = true;
  try { page.details = await get("/api/train/recipes"); } catch { page.learning = false; return; } // the next check asks again
  const { node } = page.form;
  if (!node.contains(document.activeElement) || !document.activeElement.closest("input,textarea,select,.menu")) { page.form.draw(); return; }
  const left = (event) => { if (node.contains(event.relatedTarget)) return; node.removeEventListener("focusout", left); page.form.draw(); };
  node.addEventListener("focusout", left); // nobody's typing is broken off
}

// ---------- the frame ----------

function build(page) {
  const parts = { root: page.root, overview: () => page.overview, details: () => page.details };
  page.check = new CheckPanels({ waive: (name, on) => waive(page, name, on), start: () => starting(page), again: () => ask(page) });
  page.asking = lately((newest) => checking(page, newest), WAIT_MS);
  page.form = new NewRun({ ...parts, changed: () => ask(page) });
  page.chains = new ChainStrips({ act: (chain, verb, body) => chained(page, chain, verb, body), show: (name) => go(page, name) });
  page.teach = el("span");
  page.runs = new RunsPanel({ chosen: () => chosen(page)?.name, choose: (name) => go(page, name), act: (run, verb) => act(page, run, verb), teach: page.teach });
  page.none = el("div");
  page.lost = el("div", { role: "status" });
  page.run = new RunPanel({ act: (run, verb, body) => act(page, run, verb, body), onlines: (run) => grown(page, run) });
  page.before = new BeforePanel({ measure: (run) => act(page, run, "test") });
  replace(page.view, el("h1", { class: "sr" }, "Train"), el("div", { class: "tr" }, el("div", { class: "col lc" }, page.form.node, page.check.nodes), el("div", { class: "col rc" }, page.chains.node, page.none, page.runs.node, page.lost, page.run.node, page.before.node, page.run.tail)));
  page.pop = pushScope([
    { id: "train-next", key: "j", label: "Next run", run: () => step(page, 1) }, { id: "train-before", key: "k", label: "Run before", run: () => step(page, -1) },
    { id: "train-start", key: "m", label: "Start the new run", once: true, run: () => page.check.go.click() }, { id: "train-stop", key: "s", label: "Stop the run and keep it", once: true, run: () => { const run = chosen(page); if (run && may(page) && ["running", "waiting"].includes(run.state)) act(page, run, "stop"); } },
    { id: "train-log", key: "l", label: "Log of the run", run: () => { if (chosen(page)) page.run.openLog(); } },
  ]);
}

const may = (page) => !page.root.querySelector("dialog[open]") && !page.root.classList.contains("no-making");
// The run that is looked at: that of the address, else the newest; null where there is none of that name.
const chosen = (page) => page.overview.runs.find(({ name }) => !page.state.run || name === page.state.run) ?? null;

function go(page, name) {
  if (name === chosen(page)?.name && page.state.run === name) return;
  page.state = { ...page.state, run: name };
  history.pushState(null, "", addressOf(page.state));
  draw(page);
}

function step(page, by) {
  const { runs } = page.overview, next = runs[runs.findIndex(({ name }) => name === chosen(page)?.name) + by];
  if (next) go(page, next.name);
}

// ---------- showing ----------

function draw(page) {
  const { runs, demo, chains } = page.overview, run = chosen(page), away = hidden(), seen = chains.filter((one) => !away.includes(`${one.id} ${one.state}`));
  page.chains.draw(seen);
  const told = !run && page.state.run ? `There is no run ${page.state.run} (yet).` : "";
  page.none.hidden = runs.length > 0 || seen.some(goesOn);
  page.runs.node.hidden = runs.length === 0;
  page.run.node.hidden = page.run.tail.hidden = !run;
  page.lost.hidden = !told;
  if (page.lost.textContent !== told) replace(page.lost, told && note("info", told));
  if (runs.length === 0 && !focused(page.none)) replace(page.none, noRuns(demo, (button) => teach(page, button)));
  if (runs.length > 0 && !focused(page.teach)) replace(page.teach, demo.here && !chains.some(goesOn) && teachButton(demo, (button) => teach(page, button), "btn s"));
  page.runs.draw(runs);
  page.run.show(run);
  compare(page, run);
}

const focused = (node) => node.contains(document.activeElement) && node.childElementCount > 0;
function hidden() {
  try { return JSON.parse(localStorage.getItem(HIDDEN)) ?? []; } catch { return []; }
}

// The newest lists. Asked for while something moves.
async function reload(page) {
  if (page.loading) { page.again = true; return; }
  page.loading = true;
  try { page.overview = await get("/api/train"); page.form.refresh(); draw(page); } catch (error) { fail(error); }
  page.loading = false;
  if (page.again) { page.again = false; reload(page); }
}

function moved(page, runs) {
  page.drawer.draw(runs);
  if (!page.overview) return;
  const now = runs.filter((run) => run.chained || KINDS.includes(run.kind) || page.waited.has(run.id) || run.kind === "listen").map((run) => `${run.id} ${run.state} ${run.done} ${run.message}`).join();
  if (now === page.seen) return;
  const first = page.seen === undefined;
  page.seen = now;
  if (!first || runs.some(atWork)) reload(page);
}

function grown(page, run) {
  const at = page.overview.runs.findIndex((one) => one.run === run.run);
  if (at < 0) return;
  page.overview.runs[at] = run;
  page.runs.draw(page.overview.runs);
}

// The card of the chosen run: asked for when another run is chosen, and whenever an answering or training run moves.
async function compare(page, run) {
  if (page.carded !== run?.run) { page.before.node.hidden = true; page.carded = run?.run; page.compared = null; } // nobody's card stands under another
  if (!run) return;
  if (!run.listener && active(run.state)) { page.before.node.hidden = true; page.compared = null; return; }
  const key = `${run.run} ${run.state} ${run.listener} ${page.poll.all().filter(({ kind }) => kind === "listen").map((one) => `${one.id} ${one.state}`).join()} ${page.overview.chains.map((one) => `${one.id} ${one.state}`).join()}`;
  if (key === page.compared) return;
  page.compared = key;
  let told;
  try { told = await get(`/api/train/runs/${encodeURIComponent(run.run)}/before-after`); } catch { if (key === page.compared) { page.compared = null; page.before.node.hidden = true; } return; }
  if (key !== page.compared) return;
  page.before.node.hidden = !run.listener && !told.found;
  if (!page.before.node.hidden) page.before.draw(run, told);
}

// ---------- a new run ----------

function ask(page) {
  const { wrong } = page.form;
  if (wrong.size > 0) page.check.invalid([...wrong.values()]);
  else page.check.wait();
  page.asking();
}

// One look at the machine at a time: what was asked meanwhile waits, and of that the newest only is asked.
async function checking(page, newest) {
  if (page.form.wrong.size > 0) return;
  if (!page.machine) await checked(page, newest, true);
  page.due = newest;
  if (page.checking) return;
  page.checking = true;
  while (page.due) {
    const mine = page.due;
    page.due = null;
    if (mine()) await checked(page, mine, false);
  }
  page.checking = false;
  learnDetails(page);
}

// quick: without looking at the machine, which takes some seconds for the first time.
async function checked(page, newest, quick) {
  try {
    const told = await post("/api/train/check", { ...page.form.wanted(), quick });
    if (!quick) page.machine = true;
    if (!newest() || page.form.wrong.size > 0 || (quick && page.machine)) return;
    page.check.draw(told, quick);
    page.form.units(told);
  } catch (error) { if (newest() && !quick) page.check.trouble(error); }
}

function waive(page, name, on) {
  const { model } = page.form;
  model.waive = on ? [...model.waive, name] : model.waive.filter((each) => each !== name);
  page.form.changed();
}

async function starting(page) {
  if (!may(page) || page.sending || page.form.wrong.size > 0) return;
  page.sending = true;
  page.check.enable(false);
  try {
    const { run, title, name, exports } = await post("/api/train/start", page.form.wanted());
    page.poll.expect(run, title);
    page.waited.add(run);
    toast(exports ? `The pairs are exported, then ${name} trains.` : `${name} has started. It goes on when this page is closed.`, { level: "info" });
    page.state = { ...page.state, run: name };
    history.pushState(null, "", addressOf(page.state));
    await reload(page);
    ask(page); // the next name, and what is left of the disk
  } catch (error) { fail(error); page.check.enable(true); }
  page.sending = false;
}

// ---------- what can be done with a run ----------

async function teach(page, button = null) {
  if (!may(page)) return;
  button?.setAttribute("aria-disabled", "true");
  try {
    await post("/api/train/demo");
    page.poll.ask();
    document.activeElement?.blur();
    await reload(page);
    toast("It builds pairs, trains twice and asks on held-out clips. It goes on when this page is closed.", { level: "info" });
  } catch (error) { fail(error); button?.setAttribute("aria-disabled", "false"); }
}

async function chained(page, chain, verb, body) {
  if (verb === "hide") {
    try { localStorage.setItem(HIDDEN, JSON.stringify([...hidden(), `${chain.id} ${chain.state}`].slice(-50))); } catch { /* storage is off: it stays in sight */ }
    draw(page);
    return;
  }
  try { await post(`/api/train/chains/${encodeURIComponent(chain.id)}/${verb}`, body); } catch (error) { fail(error); }
  page.poll.ask();
  await reload(page);
}

async function act(page, run, verb, body = {}) {
  const parts = { root: page.root, hub: page.overview.hub, started: (made) => { page.waited.add(made.run); page.poll.expect(made.run, made.title); toast(`${made.title}: it has begun.`, { level: "info" }); }, gone: (gone) => { toast(`${gone.name} is deleted.`); if (page.state.run === gone.name) { page.state.run = ""; history.replaceState(null, "", addressOf(page.state)); } reload(page); } };
  const own = { log: () => { go(page, run.name); page.run.openLog(); }, export: () => openExport(parts, run), merge: () => openMerge(parts, run), push: () => openPush(parts, run), delete: () => openDelete(parts, run) }[verb];
  if (own) { own(); return; }
  try {
    const told = await post(`/api/train/runs/${encodeURIComponent(run.run)}/${verb === "test" ? "measure" : verb}`, body);
    if (verb === "clone") { page.form.take(told.wanted); toast(`The settings of ${run.name} are on the left.`, { level: "info" }); return; }
    if (verb === "test") await tested(page, run, told);
    else page.compared = null;
  } catch (error) { fail(error); }
  page.poll.ask();
  await reload(page);
}

// Those of its line are asked now; what they have answered already is shown.
async function tested(page, run, { state }) {
  go(page, run.name);
  if (state !== "done") { if (state === "running") toast("They are being asked, one after the other.", { level: "info" }); return; }
  toast("All of it is answered already.", { level: "info" });
  page.compared = null;
  await compare(page, run);
  if (!page.before.node.hidden && chosen(page)?.run === run.run) page.before.node.scrollIntoView({ block: "nearest" });
}

async function finished(page, run) {
  page.waited.delete(run.id);
  await reload(page);
  if (run.kind === "train_export" && run.state === "done") {
    const { folder, address } = await get(`/api/train/exported/${encodeURIComponent(run.id)}`).catch(() => ({})), where = address || folder;
    if (where) { toast(`${run.title}: ${where}`, { stays: true, action: { label: address ? "Copy the address" : "Copy the path", run: () => copy(where) } }); return; }
  }
  if (!page.root.querySelector("dialog[open]")) tellFinished(run, { onreport: () => location.assign("/clips"), onshow: (id) => page.drawer.show(id) });
}
