// The runs: asked for every second while one is at work and the page is seen, else every ten. And the drawer that shows them.
import { get, post } from "./api.js";
import { el, replace } from "./dom.js";
import { icon } from "./icons.js";
import { fail, setBanner, toast } from "./toast.js";

const BUSY_MS = 1000;
const IDLE_MS = 10000;
const YOUNG_MS = 20000;
const AWAY = "The server does not answer. Nothing you saved is lost; this page looks for it every ten seconds.";
export const atWork = (run) => run.state === "running" || run.state === "queued";

// eager(): ask often at first. Calls onchange(runs) after each answer and onfinish(run) once for a run that was seen at work and no longer is.
export function pollRuns({ signal, eager, onchange, onfinish }) {
  let runs = [], timer = 0, busy = false, away = false, checked = -Infinity;

  // A fresh, empty workspace is being filled beside the page: its first run is seen at once.
  const young = () => eager() && performance.now() < YOUNG_MS;
  const pause = () => ((runs.some(atWork) || young()) && !document.hidden ? BUSY_MS : IDLE_MS);

  // What goes on until it is mended, in words: the disk is full, the store cannot be written.
  async function check() {
    if (performance.now() - checked < IDLE_MS - 500) return;
    const health = await get("/api/health", { signal });
    checked = performance.now();
    setBanner(health.reason || null);
  }

  async function ask() {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    try {
      const answer = await get("/api/runs", { signal });
      if (away) checked = -Infinity;
      away = false;
      const before = new Map(runs.map((run) => [run.id, run]));
      runs = answer.runs;
      onchange(runs);
      for (const run of runs) if (!atWork(run) && before.has(run.id) && atWork(before.get(run.id))) onfinish(run);
      await check();
    } catch (error) {
      away = true;
      if (!signal.aborted) setBanner(error.cause ? AWAY : error.message);
    } finally {
      busy = false;
      if (!signal.aborted) timer = setTimeout(ask, pause());
    }
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); }, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  ask();
  return {
    ask,
    all: () => runs,
    // A run that was just asked for: seen as waiting until the server names it, so that even a quick one is told of at its end.
    expect(id, title) {
      if (!runs.some((run) => run.id === id)) runs = [{ id, title, state: "queued", total: 0, done: 0, refused: 0, failed: 0 }, ...runs];
      ask();
    },
  };
}

export function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s left`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`;
}

function wordsOf(run) {
  const share = run.total ? Math.floor((100 * run.done) / run.total) : 0;
  const odd = [run.refused && `${run.refused} refused`, run.failed && `${run.failed} failed`].filter(Boolean).join(", ");
  const text = [`${run.done} of ${run.total}`, odd, run.state === "running" ? timeLeft(run.eta_s) : ""].filter(Boolean).join(", ");
  const state = { queued: "waiting", running: `${share} %`, done: "done", failed: "failed", cancelled: "stopped" }[run.state];
  const look = { cancelled: "w", failed: "b" }[run.state] ?? (run.state === "done" && run.failed ? "w" : "");
  return { share: run.state === "done" ? 100 : share, state, look, text: run.message ? `${text}. ${run.message}` : `${text}.` };
}

function actionOf(run) {
  if (atWork(run)) return { verb: "cancel", label: "Stop", cls: "btn q s" };
  if (run.state === "cancelled" || run.state === "failed") return { verb: "resume", label: "Go on", cls: "btn s" };
  return null;
}

function runRow(first, { ask }) {
  let run = first;
  const title = el("b", { class: "clip" });
  const act = el("button", { onclick: async () => {
    act.disabled = true;
    try { await post(`/api/runs/${encodeURIComponent(run.id)}/${actionOf(run).verb}`); } catch (error) { fail(error); }
    act.disabled = false;
    ask();
  } });
  const fill = el("i");
  const bar = el("span", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
  const state = el("span", { class: "sm num nw state" });
  const text = el("p", { class: "sm t2" });
  const inside = el("div", { class: "inside" });
  const more = el("details", {}, el("summary", { class: "sm t3" }, "Problems and log"), inside);
  more.addEventListener("toggle", () => { if (more.open) detail(); });

  async function detail() {
    let found;
    try { found = await get(`/api/runs/${encodeURIComponent(run.id)}`); } catch (error) { replace(inside, el("p", { class: "sm bad" }, error.message)); return; }
    const problems = found.problems.slice(0, 200).map((p) => el("li", {}, el("span", { class: "mono" }, p.subject), ` ${p.reason}`));
    replace(inside, problems.length ? el("ul", { class: "sm problems" }, ...problems) : el("p", { class: "sm t3" }, "No problems."),
      found.problems.length > 200 ? el("p", { class: "sm t3" }, `and ${found.problems.length - 200} more`) : null,
      found.log ? el("pre", { class: "log", tabindex: "0", "aria-label": "Log" }, found.log) : null);
  }

  function update(next) {
    run = next;
    const { share, state: word, look, text: says } = wordsOf(run);
    title.textContent = run.title;
    title.title = run.title;
    fill.style.width = `${share}%`;
    bar.className = `pg ${look}`;
    bar.setAttribute("aria-valuenow", String(share));
    bar.setAttribute("aria-label", run.title);
    state.textContent = word;
    text.textContent = says;
    const action = actionOf(run);
    act.hidden = !action;
    if (action && act.textContent !== action.label) { act.textContent = action.label; act.className = action.cls; }
    if (more.open && atWork(run)) detail();
  }
  const node = el("li", { class: "run" }, el("div", { class: "row" }, title, el("span", { class: "sp" }), act),
    el("div", { class: "row" }, bar, state), text, more);
  update(first);
  return { node, update, open: () => { more.open = true; node.scrollIntoView({ block: "nearest" }); } };
}

export function makeDrawer(root, { poll, signal }) {
  const node = root.querySelector("#drawer");
  const button = root.querySelector("[data-do=runs]");
  const count = root.querySelector("[data-part=run-count]");
  const rows = new Map();
  const list = el("ul", { class: "run-list" });
  const chip = el("span", { class: "chip" });
  const none = el("p", { class: "sm t3 pb" }, "Nothing has run yet. Builds and imports show here.");
  node.append(el("div", { class: "panel dr" }, el("div", { class: "ph" }, el("h2", {}, "Runs"), chip, el("span", { class: "sp" }),
    el("button", { class: "btn q s i", "aria-label": "Close the runs", onclick: () => set(false) }, icon("x"))),
  none, list, el("p", { class: "pf sm t3" }, "Runs go on when this page is closed.")));
  let remembered = null;
  try { remembered = sessionStorage.getItem("thud.drawer"); } catch { /* storage is off: closed at first */ }

  function set(open, { focus = false } = {}) {
    node.hidden = !open;
    root.querySelector(".stage").classList.toggle("with", open);
    button.setAttribute("aria-expanded", String(open));
    try { sessionStorage.setItem("thud.drawer", open ? "1" : ""); } catch { /* storage is off: not kept over a reload */ }
    if (!open && node.contains(document.activeElement)) button.focus();
    if (open && focus) node.querySelector("button").focus();
  }
  button.addEventListener("click", () => set(node.hidden, { focus: true }), { signal });
  set(remembered === "1");

  return {
    set, isOpen: () => !node.hidden,
    toggle: () => set(node.hidden, { focus: true }),
    draw(runs) {
      const busy = runs.filter(atWork).length;
      count.textContent = busy === 1 ? "1 run" : busy ? `${busy} runs` : "runs";
      button.classList.toggle("busy", busy > 0);
      chip.textContent = busy ? `${busy} at work` : "none at work";
      none.hidden = runs.length > 0;
      for (const run of runs) {
        if (rows.has(run.id)) rows.get(run.id).update(run);
        else rows.set(run.id, runRow(run, poll()));
      }
      const nodes = runs.map((run) => rows.get(run.id).node);
      if (nodes.some((each, i) => list.children[i] !== each)) replace(list, ...nodes);
    },
    show(id) { set(true); rows.get(id)?.open(); },
  };
}

export function tellFinished(run, { onreport, onshow }) {
  const { text } = wordsOf({ ...run, message: run.state === "done" ? run.message : "" });
  const action = run.kind === "ingest" ? { label: "See the report", run: () => onreport(run) } : { label: "Show", run: () => onshow(run.id) };
  if (run.state === "done") toast(`${run.title}: done, ${text}`, { level: run.failed ? "warn" : "ok", action });
  else if (run.state === "failed") toast(`${run.title}: failed at ${text} ${run.message}`, { level: "bad", action });
  else toast(`${run.title}: stopped at ${text} Nothing is lost.`, { level: "info", action });
}
