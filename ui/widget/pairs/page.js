// The Pairs page: recipe, what is left, lint, and one pair after the other. The address is the state (parts.js).
import { get, post } from "../base/api.js";
import { copy } from "../base/clipboard.js";
import { closeDialogs } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { initAccount, makePage, nameWorkspace } from "../base/frame.js";
import { openHelp } from "../base/help.js";
import { icon } from "../base/icons.js";
import { initJump } from "../base/jump.js";
import { listen, pushScope, setBase } from "../base/keys.js";
import { FORMATS, openExport, openFreeze, openImport, outcomeOf } from "./dialogs.js";
import { FunnelPanel, openSubjects } from "./funnel.js";
import { LintPanel } from "./lint.js";
import { openMaterial, openReword } from "./material.js";
import { PairPanel } from "./pair.js";
import { MAKING, RUNS, addressOf, count, noFilter, note, plural, readState } from "./parts.js";
import { RecipePanel } from "./recipe.js";
import { Words } from "./words.js";
import { copyLink } from "../results/export.js";
import { action, face, makeMenu, option, options } from "../results/menu.js";
import { trouble } from "../results/parts.js";
import { atWork, makeDrawer, pollRuns, tellFinished } from "../base/runs.js";
import { initTheme } from "../base/theme.js";
import { fail, initToasts, toast } from "../base/toast.js";

const FORMAT = "thud.pairs.format", SOON_MS = 250;
const ORIGINS = { imported: "imported", fixed: "mended", rewritten: "reworded" };
export const { start, mount } = makePage(startPage);

function startPage(root) {
  const signal = new AbortController().signal; // the page lives as long as the document
  const page = { root, signal, view: root.querySelector("#view"), me: null, cards: [], overview: null, set: null, words: null, waited: new Set(), state: readState(location.search) };
  initTheme(root.querySelector("[data-do=theme]"), signal);
  initToasts(root);
  page.drawer = makeDrawer(root, { poll: () => page.poll, signal });
  page.poll = pollRuns({ signal, eager: () => false, onchange: (runs) => progress(page, runs), onfinish: (run) => finished(page, run) });
  page.jump = initJump(root, { cards: () => page.cards, onopen: (id) => location.assign(`/clips?clip=${encodeURIComponent(id)}`), signal });
  for (const [name, run] of Object.entries({ skip: () => page.view.focus(), help: () => openHelp(root) })) root.querySelector(`[data-do=${name}]`).addEventListener("click", run);
  root.addEventListener("click", (event) => { if (event.detail > 0) event.target.closest("button:not([aria-haspopup])")?.blur(); }, { signal }); // else Space would press it again instead of playing
  window.addEventListener("popstate", () => { page.state = readState(location.search); closeDialogs(root); show(page); }, { signal });
  listen(signal);
  setBase([
    { id: "pairs-link", key: "y", label: "Copy the link to this pair", run: () => { settle(page); copyLink(); } },
    { id: "search", key: "/", label: "Go to clip", run: () => page.jump.focus() },
    { id: "runs", key: "p", label: "Show or hide the runs", run: () => page.drawer.toggle() },
    { id: "help", key: "?", label: "Keys and help", run: () => openHelp(root) },
  ]);
  begin(page);
  return page;
}

async function begin(page) {
  try {
    page.me = await initAccount(page.root);
    page.overview = await get("/api/pairs");
  } catch (error) {
    replace(page.view, trouble(error, () => begin(page)));
    page.view.removeAttribute("aria-busy");
    return;
  }
  get("/api/clips").then((found) => {
    page.cards = found.clips;
    nameWorkspace(page.root, found.workspace);
  }, () => {}); // only for the search and the workspace's name
  page.words = new Words({ person: page.me.name, signal: page.signal, onchange: () => page.pair?.drawWord(), onrefused: (sentence) => { fail(new Error(sentence)); page.pair?.drawWord(); } });
  build(page);
  await show(page);
}

// ---------- the frame ----------

function build(page) {
  const parts = partsOf(page);
  page.parts = parts;
  page.lead = el("span", { class: "t2 lead" });
  page.chips = el("span", { class: "row" });
  page.sets = makeMenu({ name: "Set", cls: "in pick set1", face: face("", ""), title: "Choose a set", fill: (close) => setsOf(page, close) });
  const bring = makeMenu({ name: "Import", cls: "btn makes", face: "Import…", right: true, fill: (close) => [action("Pairs from a file…", () => { close(); openImport(parts); }), action("General-video material…", () => { close(); openMaterial(parts); })] });
  page.format = remembered();
  page.formats = el("span", { class: "seg makes", role: "radiogroup", "aria-label": "Export for" }, FORMATS.map(([id, words]) => el("button", { type: "button", role: "radio", "data-format": id, onclick: () => choose(page, id) }, words)));
  page.exporter = el("button", { class: "btn makes", type: "button", onclick: () => exporting(page) }, icon("down"), "Export ", el("kbd", { "aria-hidden": "true" }, "e"));
  page.make = el("button", { class: "btn p makes", type: "button", onclick: () => making(page) });
  page.recipe = new RecipePanel({ ...parts, why: (type) => page.left.show(type) });
  page.left = new FunnelPanel({ ...parts, only: (types) => { page.recipe.only(types); making(page); }, build: () => making(page), material: () => openMaterial(parts), freeze: () => openFreeze(parts) });
  page.lint = new LintPanel({ ...parts, reword: () => openReword(parts) });
  page.pair = new PairPanel(parts);
  page.notes = el("div", { class: "col notes3" });
  replace(page.view, el("div", { class: "pairs" }, el("div", { class: "head" }, el("h1", {}, "Pairs"), page.sets.node, page.lead, page.chips, el("span", { class: "sp" }), bring.node, page.formats, page.exporter, page.make), page.notes,
    el("div", { class: "pg3" }, page.recipe.node, page.left.node, page.lint.node), page.pair.node, page.pair.hints()));
  page.view.removeAttribute("aria-busy");
  choose(page, page.format);
  page.pop = pushScope([...page.pair.keys(), { id: "pairs-export", key: "e", label: "Export the set", run: () => exporting(page) }, { id: "pairs-build", key: "m", label: "Build the recipe", run: () => making(page) }, { id: "pairs-import", key: "i", label: "Import pairs", run: () => { if (may(page)) openImport(parts); } }]);
}

const partsOf = (page) => ({
  root: page.root, overview: () => page.overview, set: () => page.set, state: () => page.state, words: () => page.words,
  go: (changes) => go(page, changes), remember: (changes) => remember(page, changes), reload: () => reload(page), refresh: () => refresh(page), changed: () => drawHead(page), tell: (words, level) => toast(words, { level }),
  started: (run, title) => started(page, run, title), settled: (otherwise) => settled(page, otherwise),
});

const may = (page) => !page.root.querySelector("dialog[open]") && !page.root.classList.contains("no-making");

function remembered() {
  try { return FORMATS.some(([id]) => id === localStorage.getItem(FORMAT)) ? localStorage.getItem(FORMAT) : FORMATS[0][0]; } catch { return FORMATS[0][0]; }
}
function choose(page, format) {
  page.format = format;
  try { localStorage.setItem(FORMAT, format); } catch { /* storage is off: as delivered next time */ }
  for (const node of page.formats.children) node.setAttribute("aria-checked", String(node.dataset.format === format));
}

function setsOf(page, close) {
  const { sets } = page.overview;
  if (!sets.length) return el("p", { class: "sm t3 opt-head" }, "No set yet.");
  return options("Sets", false, sets.map((one) => option(el("span", {}, one.title || one.id, el("span", { class: "t3" }, `  ${ORIGINS[one.origin] ?? ""} ${when(one.made_at)}`)), { on: one.id === page.set?.id, aside: count(one.pairs), run: () => { close(); go(page, { ...noFilter(), set: one.id }); } })));
}
function when(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

// ---------- the address ----------

// Which pair is shown is written at once, and a moment later while a key is held down.
function remember(page, changes) {
  Object.assign(page.state, changes);
  clearTimeout(page.timer);
  if (performance.now() - (page.settled ?? -Infinity) > SOON_MS) settle(page);
  else page.timer = setTimeout(() => settle(page), SOON_MS);
}
function settle(page) {
  clearTimeout(page.timer);
  page.settled = performance.now();
  history.replaceState(history.state, "", addressOf(page.state));
}
function go(page, changes) {
  settle(page);
  const before = page.state.set;
  page.state = { ...page.state, ...changes };
  history.pushState(null, "", addressOf(page.state));
  if (page.state.set !== before) show(page);
  else { drawPanels(page); page.pair.follow(); page.pair.node.scrollIntoView({ block: "nearest" }); }
}

// ---------- showing ----------

async function show(page) {
  const id = page.state.set || page.overview.sets[0]?.id || "", mine = (page.shown = (page.shown ?? 0) + 1);
  let set = null, problem = null;
  if (id) {
    try { set = await get(`/api/pairs/sets/${encodeURIComponent(id)}`); } catch (error) { problem = error; }
    if (mine !== page.shown) return;
  }
  page.set = set;
  if (!page.begun) { page.begun = true; page.recipe.begin(); }
  replace(page.notes, problem && el("div", { class: "row" }, note("bad", problem.message), page.overview.sets.length > 0 && el("button", { class: "btn s", type: "button", onclick: () => go(page, { ...noFilter(), set: "" }) }, "Show the newest set")));
  page.recipe.draw();
  drawPanels(page);
  await page.pair.follow();
  performance.mark("thud-pairs");
}

function drawPanels(page) {
  page.recipe.count();
  page.left.draw();
  page.lint.draw();
  drawHead(page);
  progress(page, page.poll.all());
}

function drawHead(page) {
  const { set, overview } = page, running = page.running ?? null, { total } = page.recipe;
  page.sets.node.hidden = overview.sets.length === 0;
  page.sets.face(face("", set ? set.title || set.id : "no set"));
  const clips = set ? Object.values(set.splits ?? {}).reduce((sum, one) => sum + one.clips, 0) : 0;
  page.lead.textContent = set ? `${plural(set.pairs, "pair")}${set.held ? `, ${count(set.held)} held back` : ""}${clips ? `, from ${plural(clips, "clip")}` : ""}` : `${plural(overview.settled, "clip")} of ${count(overview.clips)} with event times`;
  const stale = set?.stale ?? [];
  replace(page.chips, set && ORIGINS[set.origin] && el("span", { class: "chip dash" }, ORIGINS[set.origin]), set?.stage === "sft" && el("span", { class: "chip" }, "SFT"), stale.length > 0 && el("button", { class: "chip warn off1", type: "button", title: "Their event times have changed since, or they are gone. Build again.", onclick: () => changedClips(page, stale) }, icon("alert", "s"), `${plural(stale.length, "clip")} changed since`));
  for (const node of [page.formats, page.exporter]) node.hidden = !set || set.pairs === 0;
  const makes = running && (!running.kind || RUNS.includes(running.kind)), blocked = makes ? "Building…" : total === 0 ? "Nothing to build" : null;
  page.make.setAttribute("aria-disabled", String(Boolean(blocked)));
  page.make.textContent = blocked ?? `Build ${plural(total, "pair")}`;
}

function changedClips(page, stale) {
  const titles = Object.fromEntries(page.cards.map((card) => [card.id, [card.title || card.name, `/clips?clip=${card.id}`]]));
  openSubjects(page.root, { title: `${plural(stale.length, "clip")} changed since`, titles, reason: "The event times of these clips have changed since the set was built, or the clip is gone. Build again to use what is true now.", count: stale.length, subjects: stale.slice(0, 50) });
}

// ---------- making ----------

async function making(page) {
  if (!may(page) || page.make.getAttribute("aria-disabled") === "true" || page.asking) return;
  page.asking = true;
  try {
    await settled(page, "the build would not know them");
    const { run, title } = await post("/api/pairs/build", { recipe: page.recipe.wanted() });
    started(page, run, title);
  } catch (error) { fail(error); }
  page.asking = false;
}

// Once the server has every decision. otherwise: what would be wrong without them.
async function settled(page, otherwise) {
  if (!(await page.words.settle())) throw new Error(`Some of your decisions are not saved yet, and ${otherwise}. Try again when the server answers.`);
}

function exporting(page) {
  if (may(page) && page.set && page.set.pairs > 0) openExport(page.parts, page.format);
}

function started(page, run, title) {
  page.waited.add(run);
  page.poll.expect(run, title);
  progress(page, page.poll.all());
}

function progress(page, runs) {
  page.drawer.draw(runs);
  if (!page.left) return;
  const run = runs.find((one) => atWork(one) && (RUNS.includes(one.kind) || page.waited.has(one.id))) ?? null, was = page.running;
  page.running = run;
  page.left.working(run);
  if (run?.id !== was?.id || run?.kind !== was?.kind) drawHead(page);
}

async function finished(page, run) {
  if (!RUNS.includes(run.kind) && !page.waited.has(run.id)) { tell(page, run); return; }
  page.waited.delete(run.id);
  page.running = null;
  let made = null;
  try { made = await outcomeOf(run.id); } catch { /* the drawer tells how it went */ }
  if (run.state !== "done" || made?.refused) { toast(made?.refused || `${run.title}: ${run.message || "it did not end well"}`, { level: "bad", action: { label: "Show", run: () => page.drawer.show(run.id) } }); await reload(page); return; }
  await reload(page, made?.set === page.set?.id);
  if (made?.set && (MAKING.includes(run.kind) || !made.folder)) {
    page.recipe.keep(page.recipe.isEdited && page.recipe.recipe.name !== page.set?.recipe?.name);
    go(page, { ...noFilter(), set: made.set });
    toast(made.words || `${run.title}: done.`, { level: made.empty ? "warn" : "ok" });
  } else if (made?.folder) toast(`Exported to ${made.folder}`, { stays: true, action: { label: "Copy the path", run: () => copy(made.folder, "The path is copied.") } });
  else tell(page, run);
}
const tell = (page, run) => { if (!page.root.querySelector("dialog[open]")) tellFinished(run, { onreport: () => location.assign("/clips"), onshow: (id) => page.drawer.show(id) }); };

// The lists anew, and the set with what was decided since.
async function reload(page, withSet = true) {
  try {
    page.overview = await get("/api/pairs");
    if (withSet) await refresh(page);
  } catch (error) { fail(error); return; }
  drawPanels(page);
}

// The set that is shown, as it is now; an answer that comes after another one is shown is not that one's.
async function refresh(page) {
  const id = page.set?.id;
  if (!id) return;
  const set = await get(`/api/pairs/sets/${encodeURIComponent(id)}`);
  if (page.set?.id === id) page.set = set;
}
