// The filters of the Results page as chips: which clips, questions and arms, whose answers, how the unparsed count, and the order of the rows.
import { el, replace, number } from "../base/dom.js";
import { SORTS } from "./order.js";
import { face, makeMenu, option, options } from "./menu.js";
import { ARMS, TASKS, grouped } from "./parts.js";
import { anyFilter, listOf, noFilter, toggled } from "./state.js";

const UNPARSED = { wrong: "wrong", out: "left out" };
const few = (words, none, many) => (words.length === 0 ? none : words.length < 3 ? words.join(", ") : many(words.length));

// view: {state(), found(): the leaderboard's last answer or null, go(changes)}. draw() after either changed.
export function makeFilters(view) {
  const chips = [clips, questions, arms, answers, unparsed, more, order].map((make) => make(view));
  const clear = el("button", { type: "button", class: "btn q s", onclick: () => view.go(noFilter()) }, "Clear");
  const node = el("div", { class: "row w chips", role: "group", "aria-label": "Filters" }, chips.map((chip) => chip.menu.node), clear);
  return {
    node,
    draw() {
      for (const chip of chips) {
        const words = chip.words();
        chip.menu.node.hidden = words === null;
        if (words === null) continue;
        chip.menu.face(face(...words));
        chip.menu.name(words.join(" "));
        chip.menu.button.classList.toggle("on", chip.on());
        chip.menu.refill();
      }
      clear.hidden = !anyFilter(view.state());
    },
  };
}

const wordsOf = (view) => view.found()?.options ?? {};
const chip = (name, { words, on, fill }) => ({ words, on, menu: makeMenu({ name, cls: "in s", fill }) });

// One value of many under `key`; all: what no choice is called, or null where one always holds, which is `usual()` unless chosen.
function single(view, key, name, { all = null, usual = () => "", choices }) {
  const now = () => view.state()[key] || usual(), pick = (value, close) => { close(); view.go({ [key]: value }); };
  return {
    on: () => view.state()[key] !== "",
    fill: (close) => options(name, false, [all !== null && option(all, { on: now() === "", run: () => pick("", close) }),
      ...choices().map(([value, words, aside = null]) => option(words, { on: now() === value, aside, run: () => pick(value, close) }))].filter(Boolean)),
  };
}

const several = (view, key, label, choices) => options(label, true, [option("all", { on: view.state()[key] === "", several: true, run: () => view.go({ [key]: "" }) }),
  ...choices.map(([value, words, aside = null]) => option(words, { on: listOf(view.state()[key]).includes(value), several: true, aside, run: () => view.go({ [key]: toggled(view.state()[key], value) }) }))]);

function clips(view) {
  const kinds = () => (wordsOf(view).kinds ?? []).filter(({ kind }) => kind), chosen = () => listOf(view.state().kinds);
  return chip("Clips", {
    words: () => ["clips", `${few(chosen(), "all", (n) => `${n} kinds`)}${view.found() ? `, ${grouped(view.found().clips)}` : ""}`],
    on: () => chosen().length > 0,
    fill: () => [el("p", { class: "sm t3 opt-head" }, "Sound class, items"), several(view, "kinds", "Sound class", kinds().map(({ kind, items }) => [kind, kind, grouped(items)]))],
  });
}

function questions(view) {
  const sets = () => wordsOf(view).sets ?? [], title = (set) => sets().find(({ id }) => id === set)?.name ?? set;
  return chip("Questions", { ...single(view, "set", "Questions", { all: "all", choices: () => sets().map((set) => [set.id, set.name, grouped(set.items)]) }),
    words: () => ["questions", view.state().set ? title(view.state().set) : "all"] });
}

function arms(view) {
  const all = () => wordsOf(view).arms ?? [];
  return chip("What is shown", { ...single(view, "arm", "What is shown", { all: "all", choices: () => all().map((arm) => [arm, ARMS[arm] ?? arm]) }),
    words: () => (all().length > 1 || view.state().arm ? ["arm", view.state().arm ? ARMS[view.state().arm] ?? view.state().arm : "all"] : null) });
}

const ANSWERS = { people: "rules, judge, people", judge: "rules, then judge", rules: "rules only", paper: "the paper’s parser" };
const levels = (found) => (found?.options?.answers ?? Object.entries(ANSWERS).map(([key, title]) => ({ key, title }))).map(({ key, title }) => [key, title]);
const brief = (found, state) => ANSWERS[level(found, state)] ?? answersTitle(found, state);
const level = (found, state) => state.answers || found?.filter?.answers || "people";
export const answersTitle = (found, state) => Object.fromEntries(levels(found))[level(found, state)] ?? level(found, state);

function answers(view) {
  return chip("Answers by", { ...single(view, "answers", "Answers by", { usual: () => level(view.found(), view.state()), choices: () => levels(view.found()) }),
    words: () => ["answers by", brief(view.found(), view.state())] });
}

function unparsed(view) {
  const usual = () => view.found()?.filter?.unparsed || "wrong";
  return chip("Unparsed count as", { ...single(view, "unparsed", "Unparsed count as", { usual, choices: () => Object.entries(UNPARSED) }),
    words: () => ["unparsed count as", UNPARSED[view.state().unparsed || usual()] ?? UNPARSED.wrong] });
}

// Offsets, tasks and listeners by name: seldom used, so behind one chip.
function more(view) {
  const { state } = view, count = () => ["offsets", "tasks", "q"].filter((key) => state()[key]).length;
  const field = (close) => {
    const input = el("input", { type: "text", value: state().q, "aria-label": "Listener's name holds", placeholder: "name holds", spellcheck: "false", autocomplete: "off" });
    input.addEventListener("change", () => view.go({ q: input.value.trim() }));
    input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); view.go({ q: input.value.trim() }); close(); } });
    return el("label", { class: "in s opt-in" }, input);
  };
  const offsets = () => (wordsOf(view).offsets ?? []).map((offset_s) => [String(offset_s), `${number(Math.abs(offset_s))} s`]);
  const head = (words) => el("p", { class: "sm t3 opt-head" }, words);
  return chip("More filters", {
    words: () => ["more", count() ? String(count()) : ""], on: () => count() > 0,
    fill: (close) => [head("Offset, either direction"), several(view, "offsets", "Offset", offsets()),
      head("Dimension"), several(view, "tasks", "Dimension", Object.entries(TASKS).map(([task, { title }]) => [task, title])), head("Listener"), field(close)],
  });
}

function order(view) {
  const now = () => view.state().sort || "gap", bare = () => now().replace(/^-/, "");
  return chip("Sort", {
    words: () => (view.state().view === "leaderboard" ? ["sort", `${SORTS[bare()]?.title ?? "average gap"}${now().startsWith("-") ? " ↓" : ""}`] : null), on: () => view.state().sort !== "",
    fill: (close) => options("Sort", false, Object.entries(SORTS).map(([key, { title }]) => option(title, { on: key === bare(), run: () => { close(); view.go({ sort: key === "gap" ? "" : key }); } }))),
  });
}

const legend = (floor) => el("div", { class: "row leg" }, key("ring", "original"), key("diamond", "edited sound"), key("line", "95 % interval"), floor && key("dashes", `sound-only floor, shifted ${number(floor.shifted * 100, 1)}`));

const SVG = "http://www.w3.org/2000/svg";
const MARKS = {
  ring: [12, "circle", { cx: 6, cy: 6, r: 4, fill: "none", stroke: "currentColor", "stroke-width": 1.5 }], diamond: [12, "path", { d: "M6 1.5 10.5 6 6 10.5 1.5 6z", fill: "currentColor" }],
  line: [20, "path", { d: "M0 6h20", stroke: "currentColor" }], dashes: [8, "path", { d: "M4 0v12", stroke: "var(--warn)", "stroke-width": 1.5, "stroke-dasharray": "3 2" }],
};
function key(mark, words) {
  const [width, tag, attrs] = MARKS[mark], svg = document.createElementNS(SVG, "svg"), node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries({ width, height: 12, "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, value);
  svg.append(node);
  return el("span", { class: "key" }, svg, words);
}
export const drawLegend = (place, floor) => replace(place, legend(floor));
