// The Admin page: who works here, how good the marks are, how far annotators agree, backups and settings. The address names the tab.
import { get } from "../base/api.js";
import { closeDialogs } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { initAccount, makePage, nameWorkspace } from "../base/frame.js";
import { openHelp } from "../base/help.js";
import { icon } from "../base/icons.js";
import { initJump } from "../base/jump.js";
import { listen, pushScope, setBase } from "../base/keys.js";
import { makeDrawer, pollRuns } from "../base/runs.js";
import { initTheme } from "../base/theme.js";
import { fail, initToasts } from "../base/toast.js";

// least: what the guard asks for; the page shows what will be answered.
const TABS = [
  { id: "people", title: "People", least: "admin", load: () => import("./people.js") },
  { id: "quality", title: "Quality", least: "researcher", load: () => import("./quality.js") },
  { id: "agreement", title: "Agreement", least: "researcher", load: () => import("./agreement.js") },
  { id: "backups", title: "Backups", least: "admin", load: () => import("./backups.js") },
  { id: "settings", title: "Settings", least: "admin", load: () => import("./settings.js") },
];
export const { start, mount } = makePage(startPage);

function startPage(root) {
  const signal = new AbortController().signal; // the page lives as long as the document
  const page = { root, signal, view: root.querySelector("#view"), me: null, cards: [] };
  initTheme(root.querySelector("[data-do=theme]"), signal);
  initToasts(root);
  const drawer = makeDrawer(root, { poll: () => page.poll, signal });
  page.poll = pollRuns({ signal, eager: () => false, onchange: (runs) => drawer.draw(runs), onfinish: () => {} });
  const jump = initJump(root, { cards: () => page.cards, onopen: (id) => location.assign(`/clips?clip=${encodeURIComponent(id)}`), signal });
  for (const [name, run] of Object.entries({ skip: () => page.view.focus(), help: () => openHelp(root) })) root.querySelector(`[data-do=${name}]`).addEventListener("click", run);
  listen(signal);
  setBase([
    { id: "search", key: "/", label: "Go to clip", run: () => jump.focus() },
    { id: "runs", key: "p", label: "Show or hide the runs", run: () => drawer.toggle() },
    { id: "help", key: "?", label: "Keys and help", run: () => openHelp(root) },
  ]);
  pushScope(TABS.map((tab, at) => ({ id: `tab-${tab.id}`, key: String(at + 1), label: tab.title, run: () => go(page, tab.id) })));
  window.addEventListener("popstate", () => draw(page), { signal });
  begin(page);
  return page;
}

async function begin(page) {
  try { page.me = await initAccount(page.root); } catch (error) {
    replace(page.view, trouble(error, () => begin(page)));
    return;
  }
  frame(page);
  draw(page);
  performance.mark("thud-admin");
  try {
    const { clips, workspace } = await get("/api/clips");
    page.cards = clips;
    nameWorkspace(page.root, workspace);
  } catch (error) { fail(error); }
}

const mine = (page) => TABS.filter((tab) => page.me.role === "admin" || tab.least === page.me.role);
const wanted = (page) => mine(page).find((tab) => tab.id === new URLSearchParams(location.search).get("tab")) ?? mine(page)[0];

function go(page, id) {
  if (!mine(page).some((tab) => tab.id === id)) return;
  if (wanted(page).id !== id) history.pushState(null, "", `/admin?tab=${id}`);
  draw(page);
}

function frame(page) {
  page.tabs = el("div", { class: "seg", role: "tablist", "aria-label": "Admin" });
  page.body = el("div", { class: "adm-body", id: "admin-body", role: "tabpanel", tabindex: "-1" });
  page.tools = el("div", { class: "row" });
  const none = mine(page).length === 0 && el("p", { class: "note" }, icon("info"), "This page is for researchers and admins.");
  replace(page.view, el("div", { class: "adm" }, el("div", { class: "head" }, el("h1", {}, "Admin"), page.tabs, el("span", { class: "sp" }), page.tools), none, page.body));
  page.view.removeAttribute("aria-busy");
  page.tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = mine(page), next = all[(all.indexOf(wanted(page)) + step + all.length) % all.length];
    go(page, next.id);
    page.tabs.querySelector("[aria-selected=true]")?.focus();
  });
}

async function draw(page) {
  const tab = wanted(page);
  closeDialogs(page.root);
  if (!tab) return;
  document.title = `${tab.title} · Admin · thud`;
  const held = page.tabs.contains(document.activeElement);
  replace(page.tabs, mine(page).map((each) => el("button", { type: "button", role: "tab", id: `tab-${each.id}`, "aria-selected": String(each === tab), "aria-controls": "admin-body",
    tabindex: each === tab ? "0" : "-1", onclick: () => go(page, each.id) }, each.title)));
  if (held) page.tabs.querySelector("[aria-selected=true]").focus();
  page.body.setAttribute("aria-labelledby", `tab-${tab.id}`);
  page.body.setAttribute("aria-busy", "true");
  page.shown?.abort();
  const shown = (page.shown = new AbortController());
  replace(page.tools);
  replace(page.body, el("div", { class: "panel adm-wait", "aria-hidden": "true" }, Array.from({ length: 8 }, () => el("i", { class: "sk" }))));
  const parts = { root: page.root, body: page.body, tools: page.tools, me: page.me, signal: shown.signal, alive: () => !shown.signal.aborted };
  try { await (await tab.load()).show(parts); } catch (error) {
    if (parts.alive()) replace(page.body, trouble(error, () => draw(page)));
  }
  if (parts.alive()) page.body.removeAttribute("aria-busy");
}

const trouble = (error, again) => el("div", { class: "panel empty first-steps", role: "alert" }, el("h2", {}, "This could not be shown"), el("p", { class: "sm" }, error.message),
  el("button", { class: "btn", type: "button", onclick: again }, "Try again"));
