// Agreement: every pair of annotators in figures with their intervals, one pair as a picture, what was learnt about each annotator,
// what the rule keeps, and how far verdicts agree.
import { get } from "../base/api.js";
import { el, number, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { annotator, cell, choice, estimate, figure, grouped, interval, ms, nothing, panel, percent, reach, scatter, size_ms, table } from "./parts.js";

const SENSES = { visual: "Picture", audio: "Sound" };
const STAGES = { first: "First, blind", final: "Final" };
const CHECKS = { visual: "picture agreed", audio: "sound verified", clarity: "clear event", salience: "sound stands out", validity: "edits valid" };
const PAIR_HEADS = [{ text: "pair", stick: true }, { text: "clips", num: true }, { text: "bias, ms", num: true, title: "Mean of first − second; + = the first is later" }, { text: "median, ms", num: true, title: "Median size of the difference" },
  { text: "90 %, ms", num: true, title: "Nine in ten differences are no larger" }, ...[50, 100, 200].map((limit) => ({ text: `within ${limit} ms, %`, num: true })), { text: "95 % of differences, ms", num: true, title: "Limits of agreement" }];
const LEARNED_HEADS = [{ text: "annotator", stick: true }, { text: "lag, ms", num: true, title: "+ = places events late" }, { text: "spread, ms", num: true }, { text: "outliers, %", num: true }, { text: "marks", num: true }, { text: "on gold", num: true }];
const keyOf = (pair) => `${pair.a}\n${pair.b}`;

export async function show(parts) {
  const view = { sense: "visual", stage: "first", chosen: null, asked: 0, ...readView() };
  await load(parts, view);
}

function readView() {
  const params = new URLSearchParams(location.search), sense = params.get("event"), stage = params.get("marks");
  return { ...(Object.hasOwn(SENSES, sense ?? "") && { sense }), ...(Object.hasOwn(STAGES, stage ?? "") && { stage }) };
}

async function load(parts, view) {
  view.found = await get(`/api/agreement?stage=${view.stage}`, { signal: parts.signal });
  if (parts.alive()) draw(parts, view);
}

async function change(parts, view, changed) {
  const focus = document.activeElement?.closest("[role=radiogroup]")?.getAttribute("aria-label");
  Object.assign(view, changed);
  history.replaceState(null, "", `/admin?tab=agreement&event=${view.sense}&marks=${view.stage}`);
  if (changed.stage) { parts.body.setAttribute("aria-busy", "true"); await load(parts, view); parts.body.removeAttribute("aria-busy"); } else draw(parts, view);
  if (focus) parts.tools.querySelector(`[aria-label="${focus}"] [aria-checked=true]`)?.focus();
}

function draw(parts, view) {
  const { found, sense } = view;
  replace(parts.tools, choice(SENSES, { label: "Event", value: sense, onchange: (each) => change(parts, view, { sense: each }) }),
    choice(STAGES, { label: "People's marks", value: view.stage, onchange: (each) => change(parts, view, { stage: each }) }),
    el("a", { class: "btn s", href: `/api/agreement/pairs.csv?stage=${view.stage}`, download: "" }, icon("down"), "CSV"));
  if (!found.marks) {
    replace(parts.body, panel("Agreement", {}, nothing("Nobody has marked anything yet.", "Let models place event times on the Clips page, or mark some clips: every two annotators who share a clip are compared here.")));
    return;
  }
  const pairs = found[sense].pairs, chart = el("div", { class: "adm-chart" });
  view.rows = new Map();
  const rows = pairs.map((pair) => pairRow(pair, found, () => choose(parts, view, pair, chart), view.rows));
  const lead = `${grouped(found.clips)} clips, ${grouped(found.marks)} marks; first − second, + = the first is later; intervals are 95 %`;
  replace(parts.body, panel(sense === "visual" ? "Picture event" : "Sound event", { lead, label: "Pairs" }, rows.length ? table("Pairs of annotators, table", PAIR_HEADS, rows) : nothing("No two annotators share a clip yet.")),
    el("div", { class: "adm-three" }, panel("One pair", {}, chart), panel("Learned from the marks", { lead: "+ = late" }, learned(found, sense)),
      el("div", { class: "col g12" }, kept(found.rule), verdicts(found))));
  const first = pairs.find((pair) => keyOf(pair) === view.chosen) ?? pairs[0];
  if (first) choose(parts, view, first, chart); else replace(chart, nothing("A pair's differences show here."));
}

function pairRow(pair, found, onchoose, rows) {
  const name = el("button", { class: "linky adm-pair", type: "button", "aria-pressed": "false", onclick: onchoose }, annotator(pair.a, found.people), el("span", { class: "t3" }, "−"), annotator(pair.b, found.people));
  const simulated = [pair.a, pair.b].some((each) => found.simulated.includes(each)) && el("span", { class: "chip dash" }, "simulated");
  const tr = el("tr", { onclick: (event) => { if (!event.target.closest("button")) onchoose(); } }, cell([name, " ", simulated].filter(Boolean), "stick"), figure(grouped(pair.n)), figure(estimate(pair.bias_s)),
    figure(size_ms(pair.median_abs_s)), figure(size_ms(pair.p90_abs_s)), pair.within.map(({ share }) => figure(estimate(share, percent))), figure(pair.loa_low_s.value === null ? "–" : `${ms(pair.loa_low_s.value)} … ${ms(pair.loa_high_s.value)}`));
  rows.set(keyOf(pair), { tr, name });
  return tr;
}

async function choose(parts, view, pair, chart) {
  view.chosen = keyOf(pair);
  for (const [key, { tr, name }] of view.rows) {
    tr.setAttribute("aria-selected", String(key === view.chosen));
    name.setAttribute("aria-pressed", String(key === view.chosen));
  }
  const asked = (view.asked += 1), query = new URLSearchParams({ a: pair.a, b: pair.b, sense: view.sense, stage: view.stage });
  let told;
  try { told = await get(`/api/agreement/pair?${query}`, { signal: parts.signal }); } catch (error) {
    if (parts.alive() && asked === view.asked) replace(chart, el("p", { class: "pb sm bad", role: "alert" }, error.message));
    return;
  }
  if (parts.alive() && asked === view.asked) replace(chart, pairPicture(pair, told, view.found));
}

function pairPicture(pair, { points, widest, n }, found) {
  const bias = pair.bias_s.value, low = pair.loa_low_s.value, high = pair.loa_high_s.value;
  // A few wild marks would press all others into a line: the axis holds nineteen in twenty, and the rest are counted.
  const sizes = points.map(([, apart]) => Math.abs(apart)).sort((a, b) => a - b), usual = sizes[Math.min(sizes.length - 1, Math.ceil(sizes.length * 0.95))] ?? 0;
  const y = reach([usual, low ?? 0, high ?? 0], 0.02), beyond = sizes.filter((each) => each > y).length;
  const end = 1.02 * points.reduce((most, [at]) => Math.max(most, at), 0.1);
  const lines = [{ at: bias, label: `bias ${ms(bias)}`, strong: true }, ...(low === null ? [] : [{ at: low, label: ms(low) }, { at: high, label: ms(high) }])];
  const label = `${pair.a} minus ${pair.b} over ${n} clips: bias ${ms(bias)} ms${low === null ? "" : `, 95 % between ${ms(low)} and ${ms(high)} ms`}`;
  const links = widest.map((row) => el("li", {}, el("a", { class: "clip", href: `/clips?clip=${encodeURIComponent(row.clip)}&t=${row.mean_s.toFixed(3)}` }, row.title), el("span", { class: "num" }, ms(row.difference_s))));
  return [el("div", { class: "row adm-cap" }, annotator(pair.a, found.people), el("span", { class: "t3" }, "−"), annotator(pair.b, found.people), el("span", { class: "sp" }), el("span", { class: "sm t3" }, "ms, over the time in the clip, s")),
    scatter({ points, x: [0, end], y, lines, label, xWords: (value) => number(value, 1) }), beyond ? el("p", { class: "sm t3 adm-cap" }, `${beyond} further apart than shown`) : null,
    el("h3", { class: "adm-cap" }, "Furthest apart"), el("ol", { class: "adm-links" }, links)].filter(Boolean).reduce((all, each) => (all.append(each), all), el("div", { class: "adm-fill" }));
}

function learned(found, sense) {
  const rows = found[sense].learned.map((one) => el("tr", {}, cell(annotator(one.annotator, found.people), "stick"),
    figure(one.identified ? ms(one.lag_s) : el("span", { class: "t3", title: "No gold behind it: only differences between annotators are known" }, `${ms(one.lag_s)} relative`)), figure(size_ms(one.spread_s)), figure(percent(one.outlier_rate)), figure(grouped(one.n)),
    cell(el("span", one.enough_gold ? {} : { class: "warn", title: "Fewer than 40: the lag is not known well yet" }, one.enough_gold ? grouped(one.n_gold) : `few, ${grouped(one.n_gold)}`), "num")));
  return rows.length ? table("What was learned about each annotator, table", LEARNED_HEADS, rows) : nothing("Nothing to learn from yet.");
}

function kept(rule) {
  const rows = rule.checks.map((check) => el("tr", {}, cell(CHECKS[check.name] ?? check.name), figure(grouped(check.passed)), figure(grouped(check.failed), check.failed ? "out" : ""), figure(grouped(check.open))));
  return panel("Kept by the rule", { lead: `${grouped(rule.retained)} of ${grouped(rule.total)}; limits ${number(rule.eps_visual_s, 2)} s and ${number(rule.eps_audio_s, 2)} s` },
    table("Checks of the rule, table", [{ text: "check" }, { text: "passed", num: true }, { text: "failed", num: true }, { text: "not known", num: true }], rows));
}

function verdicts({ verdicts: { alpha, kappas, base_rates }, people }) {
  const words = { placed: "placed", no_sound: "no sound", discarded: "discarded", uncertain: "uncertain" };
  const rates = Object.entries(base_rates).map(([verdict, share]) => `${words[verdict] ?? verdict} ${percent(share)} %`).join(", ");
  const rows = kappas.map(({ a, b, kappa, agreement }) => el("tr", {}, cell([annotator(a, people), " ", annotator(b, people)]), figure(grouped(kappa.n)), figure(percent(agreement)), figure([number(kappa.value, 2), " ", interval(kappa, (value) => number(value, 2))].filter(Boolean))));
  return panel("Verdicts", { lead: `alpha ${number(alpha.value, 2)}${alpha.low === null ? "" : ` (${number(alpha.low, 2)} … ${number(alpha.high, 2)})`}, n ${grouped(alpha.n)}` },
    rows.length ? table("Agreement on verdicts, table", [{ text: "pair" }, { text: "clips", num: true }, { text: "equal, %", num: true }, { text: "kappa", num: true }], rows) : nothing("No two who can hear have judged the same clip yet."),
    rates ? el("p", { class: "sm t3 pf" }, `All verdicts: ${rates}. Where one is nearly all, a low kappa says little.`) : null);
}
