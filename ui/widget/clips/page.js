// The Clips page: bar, router, gallery or one clip, runs.
import { get, post } from "../base/api.js";
import { openAdd, sendFiles } from "./add.js";
import { openBuild } from "./build.js";
import { closeDialogs } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { initDrop } from "./drop.js";
import { readFilters, writeFilters } from "../base/filters.js";
import { initAccount, makePage, nameWorkspace } from "../base/frame.js";
import { Gallery } from "./gallery.js";
import { openHelp } from "../base/help.js";
import { initJump } from "../base/jump.js";
import { listen, pushScope, setBase } from "../base/keys.js";
import { openPlace } from "../base/place.js";
import { makeRouter } from "../base/router.js";
import { atWork, makeDrawer, pollRuns, tellFinished } from "../base/runs.js";
import { initTheme } from "../base/theme.js";
import { fail, initToasts, toast } from "../base/toast.js";

const OFTEN_MS = 1500;
const SELDOM_MS = 10000;
export const { start, mount } = makePage(startPage);

function startPage(root) {
  const signal = new AbortController().signal; // the page lives as long as the document
  const page = { root, signal, cards: [], loaded: false, clip: null, asked: -Infinity };
  page.view = root.querySelector("#view");
  initTheme(root.querySelector("[data-do=theme]"), signal);
  initToasts(root);
  page.gallery = new Gallery({ signal, filters: readFilters(location.search),
    onopen: (id) => page.router.go({ clip: id }), onbuild: (ids) => build(page, ids), onplace: (ids) => placeTimes(page, ids), onadd: () => add(page), ondemo: () => demo(page),
    onfilters: (filters) => page.router.stay(writeFilters(filters)) });
  page.router = makeRouter({ signal, onchange: (route, back) => show(page, route, back), keep: () => ({ shown: page.gallery.shown() }) });
  page.drawer = makeDrawer(root, { poll: () => page.poll, signal });
  page.poll = pollRuns({ signal, eager: () => page.cards.length === 0, onchange: (runs) => progress(page, runs), onfinish: (run) => finished(page, run) });
  page.jump = initJump(root, { cards: () => page.cards, onopen: (id) => page.router.go({ clip: id }), signal });
  initDrop(root, { signal, onfiles: (files) => dropped(page, files) });
  initBar(page);
  initAccount(root).catch(() => {}); // the list of clips says what is wrong
  initKeys(page);
  page.router.begin();
  load(page);
  return page;
}

function initBar(page) {
  const does = { skip: () => page.view.focus(), help: () => openHelp(page.root) };
  for (const [name, run] of Object.entries(does)) page.root.querySelector(`[data-do=${name}]`).addEventListener("click", run);
}

function initKeys(page) {
  listen(page.signal);
  setBase([
    { id: "search", key: "/", label: "Go to clip", run: () => page.jump.focus() },
    { id: "runs", key: "p", label: "Show or hide the runs", run: () => page.drawer.toggle() },
    { id: "help", key: "?", label: "Keys and help", run: () => openHelp(page.root) },
  ]);
  const { gallery } = page;
  page.galleryKeys = [
    ...[["left", "ArrowLeft", "Clip to the left"], ["right", "ArrowRight", "Clip to the right"], ["up", "ArrowUp", "Clip above"], ["down", "ArrowDown", "Clip below"],
      ["home", "Home", "First clip"], ["end", "End", "Last clip"]].map(([by, key, label]) => ({ id: `go-${by}`, key, label, run: () => gallery.list.move(by) })),
    { id: "filter", key: "f", label: "Filter by name", run: () => gallery.focusFilter() },
    { id: "view", key: "v", label: "Grid or table", run: () => gallery.toggleView() },
    { id: "build", key: "b", label: "Build soundtracks", run: () => build(page, gallery.scope()) },
    { id: "place", key: "e", label: "Place event times", run: () => placeTimes(page, gallery.scope()) },
    { id: "add", key: "a", label: "Add clips", run: () => add(page) },
    { id: "leave", key: "Escape", label: "Leave a field, close the runs", run: () => leave(page) },
  ];
}

function leave(page) {
  const field = document.activeElement;
  if (field instanceof HTMLInputElement) field.blur();
  else if (page.drawer.isOpen()) page.drawer.set(false);
}

// Clips show as they come: while a run moves the list is asked for again, less often when it is long.
function progress(page, runs) {
  page.drawer.draw(runs);
  const making = runs.find((run) => atWork(run) && (run.kind === "ingest" || run.kind === "demo"));
  page.gallery.setMaking(making?.title ?? null);
  const now = runs.map((run) => `${run.id} ${run.state} ${run.done}`).join();
  const first = page.seen === undefined;
  if (now === page.seen || performance.now() - page.asked < (page.cards.length < 500 ? OFTEN_MS : SELDOM_MS)) return;
  page.seen = now;
  if (!first) load(page);
}

// The newest list of clips; a failed load says so in place of the gallery, or as a message when there is one already.
async function load(page) {
  page.asked = performance.now();
  let found;
  try { found = await get("/api/clips"); } catch (error) {
    if (page.loaded) { fail(error); return; }
    replace(page.view, el("div", { class: "panel empty first-steps" }, el("h2", {}, "The clips could not be listed"), el("p", { class: "sm" }, error.message),
      el("button", { class: "btn", onclick: () => load(page) }, "Try again")));
    return;
  }
  page.cards = found.clips;
  nameWorkspace(page.root, found.workspace);
  page.gallery.setCards(page.cards);
  page.clip?.view.setOrder(page.gallery.order());
  if (!page.loaded) {
    page.loaded = true;
    page.router.begin();
    performance.mark("thud-cards");
  }
}

async function show(page, route, kept) {
  if (!page.loaded) return;
  closeDialogs(page.root);
  page.view.removeAttribute("aria-busy");
  if (route.clip) await showClip(page, route);
  else showGallery(page, kept);
  if (route.build && !page.root.querySelector("dialog[open]")) build(page, route.clip ? [route.clip] : page.gallery.scope());
  if (route.add) add(page);
}

function showGallery(page, kept) {
  const came = page.clip?.id;
  page.clip?.view.destroy();
  page.clip = null;
  document.title = "Clips · thud";
  page.gallery.setFilters(readFilters(location.search), kept?.shown ?? 0);
  place(page, null);
  page.pop ??= pushScope(page.galleryKeys);
  window.scrollTo(0, kept?.scroll ?? 0);
  if (came) page.gallery.list.focusCard(came);
}

// Shows a clip's place, or the gallery. The gallery stays in the page while a clip is looked at: cards that are put in anew
// have guessed heights, and the scroll would be off.
function place(page, clipPlace) {
  const { view, gallery } = page;
  page.place?.remove();
  page.place = clipPlace;
  if (gallery.node.parentNode !== view) replace(view, gallery.node);
  gallery.node.hidden = clipPlace !== null;
  if (clipPlace) view.append(clipPlace);
}

async function showClip(page, route) {
  name(page, route.clip);
  page.pop?.();
  page.pop = null;
  page.gallery.setFilters(readFilters(location.search), page.gallery.shown()); // whose order j and k follow
  if (page.clip) {
    page.clip.id = route.clip;
    page.clip.view.show(route.clip, { soundId: route.sound, time: route.time });
    page.clip.view.setOrder(page.gallery.order());
    return;
  }
  const clipPlace = el("div", { class: "clip-page" });
  place(page, clipPlace);
  window.scrollTo(0, 0);
  const { mountClip } = await import("./clip.js");
  if (!clipPlace.isConnected) return; // gone on meanwhile
  const view = mountClip(clipPlace, { clipId: route.clip, soundId: route.sound, time: route.time, order: page.gallery.order(), signal: page.signal,
    onNavigate: (next) => follow(page, next), onBuild: (id) => build(page, [id ?? page.clip.id]), onPlace: (id) => placeTimes(page, [id]), onBack: () => page.router.back() });
  page.clip = { id: route.clip, view };
}

function name(page, id) {
  const card = page.cards.find((each) => each.id === id);
  document.title = `${card?.title || card?.name || "Clip"} · thud`;
}

// The clip page went to another clip, sound or moment by itself.
function follow(page, next) {
  page.router.follow(next);
  if (!page.clip || page.clip.id === next.clip) return;
  page.clip.id = next.clip;
  name(page, next.clip);
}

// A dialog is open, or this account may not make anything; its page has no buttons for it, and then no keys either.
const busy = (page) => page.root.querySelector("dialog[open]") !== null || page.root.classList.contains("no-making");

async function build(page, ids) {
  if (busy(page) || (!page.cards.length && page.loaded)) return;
  if (ids !== null && !ids.length) { toast("No clip matches the filter, so there is nothing to build for.", { level: "info" }); return; }
  try { page.usual ??= await get("/api/build/settings"); } catch (error) { fail(error); return; }
  if (page.root.querySelector("dialog[open]")) return; // pressed twice
  const chosen = ids === null ? page.cards : page.cards.filter((card) => ids.includes(card.id));
  page.router.flag("build", true);
  openBuild(page.root, { clips: ids, cards: chosen, all: page.cards, usual: page.usual, onclose: () => page.router.flag("build", false), onopen: (id) => page.router.go({ clip: id }),
    onstarted: (run, title) => { page.poll.expect(run, title); page.drawer.set(true); toast("The build has started. It goes on when this page is closed.", { level: "info" }); } });
}

async function placeTimes(page, ids) {
  if (busy(page) || !page.cards.length) return;
  if (ids !== null && !ids.length) { toast("No clip matches the filter, so there is nothing to place.", { level: "info" }); return; }
  let found;
  try { found = await get("/api/annotators"); } catch (error) { fail(error); return; }
  if (page.root.querySelector("dialog[open]")) return; // pressed twice
  const chosen = ids === null ? page.cards : page.cards.filter((card) => ids.includes(card.id));
  openPlace(page.root, { clips: ids, cards: chosen, rows: found.annotators,
    onstarted: (runs) => { for (const run of runs) page.poll.expect(run.id, run.title); page.drawer.set(true); toast("Placing has started. It goes on when this page is closed.", { level: "info" }); } });
}

const addParts = (page) => ({ runs: () => page.poll.all(), onrun: (id) => page.poll.expect(id, "Add clips") });
function add(page) {
  if (!busy(page)) openAdd(page.root, addParts(page));
}
async function dropped(page, files) {
  const run = await sendFiles(files);
  if (!run) return;
  page.poll.expect(run, "Add clips");
  page.drawer.set(true);
}

async function demo(page) {
  try { page.poll.expect((await post("/api/demo")).run, "Make 24 demo clips"); page.drawer.set(true); } catch (error) { fail(error); }
}

function finished(page, run) {
  load(page);
  if (page.clip && ["build", "annotate", "annotate_batch"].includes(run.kind)) page.clip.view.reload();
  if (page.root.querySelector("dialog[open]")) return; // the dialog itself says how it went
  tellFinished(run, { onreport: (each) => openAdd(page.root, { ...addParts(page), report: each }), onshow: (id) => page.drawer.show(id) });
}

