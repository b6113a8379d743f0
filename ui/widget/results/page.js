// The Results page: bar, which view, the filters, and the items at the side. The address is the state (state.js).
//
// Each view is a module with show(parts) → {keys, picture, list} or null, called whenever the address or the numbers changed. parts: {root, body, me,
// signal: of this showing, alive(), state: the address read, board(): the leaderboard under these filters, title(words, ...more): the heading,
// legend: a place beside the filters, go(changes): a new address, remember(changes): the same, not drawn anew, address(changes): as text,
// openItems(query), changed(): numbers may differ, again(): draw once more, ask(): the dialog that asks a listener, askFor(wanted): the same with choices made}.
import { get } from "../base/api.js";
import { closeDialogs } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { initAccount, makePage, nameWorkspace } from "../base/frame.js";
import { openHelp } from "../base/help.js";
import { initJump } from "../base/jump.js";
import { listen, pushScope, setBase } from "../base/keys.js";
import { copyLink, makeExport } from "./export.js";
import { drawLegend, makeFilters } from "./filters.js";
import { ItemsPanel } from "./items.js";
import { makeViews } from "./notes.js";
import { nothing, plain, trouble } from "./parts.js";
import { addressOf, anyFilter, filterQuery, readState } from "./state.js";
import * as leaderboard from "./table.js";
import { makeDrawer, pollRuns, tellFinished } from "../base/runs.js";
import { initTheme } from "../base/theme.js";
import { fail, initToasts } from "../base/toast.js";

const VIEWS = [
  { id: "leaderboard", title: "Leaderboard", load: () => leaderboard },
  { id: "model", title: "Model", load: () => import("./model.js") },
  { id: "compare", title: "Compare", load: () => import("./compare.js") },
  { id: "benchmarks", title: "Benchmarks", load: () => import("./tax.js") },
  { id: "judge", title: "Judge", load: () => import("./judging.js") },
];
const SOON_MS = 250;
const COUNTED = ["listen", "judge", "judge_batch"]; // runs whose end changes the numbers
export const { start, mount } = makePage(startPage);

function startPage(root) {
  const signal = new AbortController().signal; // the page lives as long as the document
  const page = { root, signal, view: root.querySelector("#view"), me: null, cards: [], board: null, found: null, result: null };
  initTheme(root.querySelector("[data-do=theme]"), signal);
  initToasts(root);
  const drawer = makeDrawer(root, { poll: () => page.poll, signal });
  page.drawer = drawer;
  page.poll = pollRuns({ signal, eager: () => false, onchange: (runs) => drawer.draw(runs), onfinish: (run) => finished(page, run) });
  page.jump = initJump(root, { cards: () => page.cards, onopen: (id) => location.assign(`/clips?clip=${encodeURIComponent(id)}`), signal });
  for (const [name, run] of Object.entries({ skip: () => page.view.focus(), help: () => openHelp(root) })) root.querySelector(`[data-do=${name}]`).addEventListener("click", run);
  initKeys(page);
  window.addEventListener("popstate", () => { page.pending = null; draw(page); }, { signal });
  begin(page);
  return page;
}

function initKeys(page) {
  listen(page.signal);
  setBase([
    ...VIEWS.map((view, at) => ({ id: `view-${view.id}`, key: String(at + 1), label: view.title, run: () => go(page, { view: view.id, items: "", item: "" }) })),
    { id: "results-link", key: "y", label: "Copy the link to this view", run: () => copyLink() },
    { id: "search", key: "/", label: "Go to clip", run: () => page.jump.focus() },
    { id: "runs", key: "p", label: "Show or hide the runs", run: () => page.drawer.toggle() },
    { id: "help", key: "?", label: "Keys and help", run: () => openHelp(page.root) },
  ]);
}

async function begin(page) {
  try { page.me = await initAccount(page.root); } catch (error) {
    replace(page.view, trouble(error, () => begin(page)));
    return;
  }
  frame(page);
  draw(page);
  try {
    const { clips, workspace } = await get("/api/clips");
    page.cards = clips;
    nameWorkspace(page.root, workspace);
  } catch (error) { fail(error); }
}

// What stays while views come and go.
function frame(page) {
  const view = { state: () => readState(location.search), found: () => page.found, go: (changes) => go(page, changes), picture: () => page.result?.picture?.() ?? null,
    visit: (query) => { history.pushState(null, "", query ? `/results?${query}` : "/results"); draw(page); } };
  page.heading = el("div", { class: "row heading" }, el("h1", {}, "Do they listen?"));
  page.tabs = el("nav", { class: "seg", "aria-label": "Views" });
  page.filters = makeFilters(view);
  page.legend = el("div", { class: "legend" });
  page.body = el("div", { class: "res-body", id: "results-body" });
  page.side = el("aside", { class: "res-side", "aria-label": "Items", hidden: true });
  page.bar = el("div", { class: "row w res-bar" }, page.filters.node, el("span", { class: "sp" }), page.legend);
  page.ask = el("button", { class: "btn makes", type: "button", onclick: () => ask(page) }, "Ask…");
  const head = el("div", { class: "head" }, page.heading, el("span", { class: "sp" }), makeViews(view).node, page.ask, page.tabs, makeExport(view).node);
  replace(page.view, el("div", { class: "res" }, el("div", { class: "res-main" }, head, page.bar, page.body), page.side));
  page.view.removeAttribute("aria-busy");
  wait(page);
  page.items = new ItemsPanel({ root: page.root, side: page.side, me: page.me, signal: page.signal, state: () => readState(location.search), go: (changes) => go(page, changes), changed: () => changed(page) });
}

const wait = (page) => replace(page.body, el("div", { class: "panel res-wait", "aria-hidden": "true" }, Array.from({ length: 14 }, () => el("i", { class: "sk" }))));

// Written a moment later: somebody may hold a key down, and browsers take only so many addresses a minute.
function remember(page, changes) {
  page.pending = { ...page.pending, ...changes };
  clearTimeout(page.timer);
  page.timer = setTimeout(() => settle(page), SOON_MS);
}
function settle(page) {
  clearTimeout(page.timer);
  if (page.pending) history.replaceState(history.state, "", addressOf({ ...readState(location.search), ...page.pending }));
  page.pending = null;
}

// A new address. Going to another view or into items is a step for "back"; filters and orders are not.
function go(page, changes) {
  settle(page);
  const state = readState(location.search), next = { ...state, ...changes }, address = addressOf(next);
  const far = next.view !== state.view || next.items !== state.items || (next.item === "") !== (state.item === "");
  if (far) history.pushState(null, "", address); else history.replaceState(history.state, "", address);
  const inside = Object.keys(changes).every((key) => key === "items" || key === "item");
  if (inside && page.drawn) page.items.follow(next, page.result?.list ?? null).catch(fail);
  else draw(page);
}

// The numbers of the leaderboard under the filters of the address; asked for once.
function board(page, state) {
  const query = filterQuery(state);
  if (page.board?.query !== query) {
    const held = (page.board = { query, promise: get(`/api/results/leaderboard${query && `?${query}`}`) });
    held.promise.then((found) => { if (page.board === held) { page.found = found; page.filters.draw(); } }, () => { if (page.board === held) page.board = null; });
  }
  return page.board.promise;
}

function changed(page) {
  page.board = null;
  page.items.stale = true;
  draw(page);
}

const titleOf = (view) => `${view.title} · Results · thud`;

async function draw(page) {
  const state = readState(location.search), view = VIEWS.find(({ id }) => id === state.view);
  closeDialogs(page.root);
  page.shown?.abort();
  const shown = (page.shown = new AbortController()), alive = () => !shown.signal.aborted;
  if (page.last !== view.id) {
    wait(page);
    if (view.id === "leaderboard") drawLegend(page.legend, page.found?.floor ?? null); else replace(page.legend);
    document.title = titleOf(view);
  }
  page.last = view.id;
  page.drawn = false;
  drawTabs(page, state);
  page.filters.draw();
  page.bar.hidden = view.id !== "leaderboard" && !anyFilter(state);
  page.body.setAttribute("aria-busy", "true");
  page.pop?.();
  const held = keyOf(page);
  let result = null;
  try { result = await (await view.load()).show(partsOf(page, state, { alive, signal: shown.signal })); } catch (error) {
    if (alive()) replace(page.body, trouble(error, () => draw(page)));
  }
  if (!alive()) return;
  page.result = result;
  page.drawn = true;
  page.body.removeAttribute("aria-busy");
  focusAgain(page, held);
  page.items.leave();
  page.pop = pushScope(result?.keys ?? []);
  performance.mark("thud-results");
  page.items.follow(readState(location.search), result?.list ?? null).catch(fail);
}

// What is drawn anew keeps the focus: on the part of the same data-key, or on what is now chosen of the same group.
function keyOf({ body }) {
  const held = body.contains(document.activeElement) ? document.activeElement : null;
  return held && { key: held.closest("[data-key]")?.dataset.key ?? null, radio: held.getAttribute("role") === "radio" };
}
function focusAgain({ body }, held) {
  if (!held?.key || body.contains(document.activeElement)) return;
  const place = body.querySelector(`[data-key="${held.key}"]`);
  (held.radio ? place?.querySelector("[aria-checked=true]") : place?.matches("button,a") ? place : place?.querySelector("button,a"))?.focus({ preventScroll: true });
}

const partsOf = (page, state, { alive, signal }) => ({
  root: page.root, body: page.body, me: page.me, legend: page.legend, signal, alive, state,
  board: () => board(page, state),
  title: (words, ...more) => { if (alive()) replace(page.heading, el("h1", {}, words), more); },
  go: (changes) => go(page, changes),
  remember: (changes) => remember(page, changes),
  address: (changes) => addressOf({ ...readState(location.search), ...changes }),
  openItems: (query) => go(page, { items: query, item: "" }),
  changed: () => changed(page),
  again: () => draw(page),
  started: (run, title) => { page.poll.expect(run, title); page.drawer.set(true); },
  ask: () => ask(page),
  askFor: (wanted) => ask(page, wanted),
});

function drawTabs(page, state) {
  const held = page.tabs.contains(document.activeElement);
  replace(page.tabs, VIEWS.map((view) => {
    const next = { view: view.id, items: "", item: "" };
    return el("a", { href: addressOf({ ...state, ...next }), "aria-current": view.id === state.view ? "page" : null,
      onclick: (event) => { if (plain(event)) { event.preventDefault(); go(page, next); } } }, view.title);
  }));
  if (held) page.tabs.querySelector("[aria-current]").focus();
}

// What a listener is asked, and which: a dialog of its own.
// wanted: what is chosen at first (listener, set, arms, tasks), where it is for something.
async function ask(page, wanted = null) {
  if (page.root.querySelector("dialog[open]") || page.root.classList.contains("no-making")) return;
  try {
    const { openListeners } = await import("./listeners.js");
    openListeners(page.root, { me: page.me, wanted, onstarted: (run, title) => { page.poll.expect(run, title); page.drawer.set(true); } });
  } catch (error) { fail(error); }
}

function finished(page, run) {
  if (COUNTED.includes(run.kind)) changed(page);
  if (!page.root.querySelector("dialog[open]")) tellFinished(run, { onreport: () => location.assign("/clips"), onshow: (id) => page.drawer.show(id) });
}
