// Judge: how far a judge's reading of responses can be trusted, measured against people's on the same responses. A view of the Results page.
import { get } from "../base/api.js";
import { el, number, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { openJudge } from "./judging_dialog.js";
import { openLabelling } from "./judging_label.js";
import { estimateOf, forest, grouped, interval, itemsLink, labelWord, percent, plain, plural, said } from "./parts.js";

// parts: see page.js. Which judge: ?judge=KEY in the address of this view, the last one that read something without it.
export async function show(parts) {
  parts.title("How far can the judge be trusted?");
  const view = { parts, key: parts.state.judge ?? "", queue: null };
  const query = view.key ? `?judge=${encodeURIComponent(view.key)}` : "";
  [view.known, view.found] = await Promise.all([get("/api/judging/judges", { signal: parts.signal }), get(`/api/judging/calibration${query}`, { signal: parts.signal })]);
  if (!parts.alive()) return null;
  draw(view);
  return { keys: [{ id: "judge-label", key: "l", label: "Label more responses", run: () => label(view) }, { id: "judge-start", key: "g", label: "Ask a judge", run: () => ask(view) }] };
}

function draw(view) {
  const { parts, known, found } = view;
  replace(parts.body, el("div", { class: "jd" }, head(view), sentence(view), found.judge && found.judged ? figures(view) : null, foot(view)));
  if (!known.responses) replace(parts.body, el("div", { class: "panel empty" }, el("h2", {}, "Nothing to judge yet"), el("p", { class: "sm" }, "Ask a listener about the stimuli first: a judge reads what it said and the rules could not.")));
}

function head(view) {
  const { known, found } = view;
  const judges = known.judges.length > 1 ? el("select", { class: "in s", "aria-label": "Judge", onchange: (event) => choose(view, event.target.value) },
    known.judges.map((one) => el("option", { value: one.key, selected: one.key === found.judge?.key }, `${one.name}, ${plural(one.read, "response")}`))) : null;
  const about = known.judges.find((one) => one.key === found.judge?.key);
  const facts = about && [`${plural(about.read, "response")} read`, about.rejected && `${grouped(about.rejected)} rejected`, `prompt ${about.prompt}`, `key ${about.key.slice(0, 6)}`].filter(Boolean).join(", ");
  return el("div", { class: "row w jd-head" }, found.judge && el("span", { class: "b" }, judges ? "Judge" : found.judge.name), judges, facts && el("span", { class: "sm t3" }, facts),
    el("span", { class: "sp" }), el("button", { class: "btn s", type: "button", "data-key": "label", onclick: () => label(view) }, "Label 50 more ", el("kbd", { "aria-hidden": "true" }, "l")),
    el("button", { class: "btn p s", type: "button", "data-key": "judge", onclick: () => ask(view) }, found.judge ? "Judge more… " : "Ask a judge… ", el("kbd", { "aria-hidden": "true" }, "g")));
}

// What can be said, and what is still missing before it can be leant on.
function sentence({ known, found }) {
  const missing = [];
  if (!found.judge) missing.push(["info", `The rules left ${plural(known.unparsed, "response")} of ${grouped(known.responses)} unread. A judge may read them; each of its labels needs words of the response as a quote.`]);
  if (found.judge && found.judged < found.enough) missing.push(["warn", `${grouped(found.judged)} of the ${grouped(found.enough)} responses that it takes have been read by a person and by this judge. Until then its figures are a first impression.`]);
  if (found.judge && found.labelled > found.judged + found.rejected) missing.push(["info", `Not judged yet: ${plural(found.labelled - found.judged - found.rejected, "response")} that people have read. Ask the judge about “those that people have read”.`]);
  if (found.rejected) missing.push(["warn", `${plural(found.rejected, "reading", "readings")} of the same responses rejected (a quote that is not in the response, or no whole answer): they count nothing.`]);
  return el("div", { class: "col jd-say" }, found.words && el("p", { class: "verdict" }, wording(found)), missing.map(([level, text]) => el("div", { class: `note ${level}` }, icon(level === "warn" ? "alert" : "info"), el("span", {}, text))),
    el("div", { class: "row sm t2" }, el("span", {}, "Labelled by people"), el("span", { class: `pg jd-pg${known.labelled < known.enough ? " w" : ""}`, role: "img", "aria-label": `${known.labelled} of ${known.enough}` }, el("i", { style: { width: `${Math.min(100, 100 * known.labelled / known.enough)}%` } })), el("span", { class: "num" }, `${grouped(known.labelled)} of ${grouped(known.enough)}`)));
}

function wording(found) {
  const { judge, rules } = found.readers, kappa = judge.kappa, [common, share] = found.commonest;
  const of = (one) => (one.value === null ? "not known" : `${number(one.value, 2)} (${number(one.low, 2)} … ${number(one.high, 2)})`);
  return [`Kappa ${of(kappa)} over ${plural(kappa.n, "response")}; base rate ${percent(share, 0)} % “${labelWord(common)}”. `,
    `The judge agrees with people on ${percent(judge.agreed.value)} %`, rules ? `, the rules alone on ${percent(rules.agreed.value)} % of the same.` : ".",
    kappa.value === null || share > 0.8 ? " Where one answer is nearly all, kappa says little." : ""].join("");
}

const panel = (title, lead, ...body) => el("section", { class: "panel", "aria-label": title }, el("div", { class: "ph" }, el("h2", {}, title), lead && el("span", { class: "t3 sm clip" }, lead)), body);
const table = (label, heads, rows, cls = "") => el("div", { class: `tw ${cls}`, tabindex: "0", role: "region", "aria-label": label }, el("table", { class: "c" },
  el("thead", {}, el("tr", {}, heads.map(([text, num, title, cls = ""]) => el("th", { scope: "col", class: `${num ? "num " : ""}${cls}`.trim(), title }, text)))), el("tbody", {}, rows)));
const num = (content, cls = "") => el("td", { class: `num ${cls}`.trim() }, content);

function figures(view) {
  const { found } = view;
  return [panel("By answer", "against people, on the same responses; intervals are 95 % (Wilson)", table("Precision and recall by answer", [["answer"], ["people", true], ["judge", true], ["both", true], ["judge’s precision, %", true, "Of what the judge called so, how much people call so too"], ["0 – 100", false, null, "jd-bar"],
    ["judge’s recall, %", true, "Of what people call so, how much the judge found"], ["0 – 100", false, null, "jd-bar"], ["rules’ precision, %", true], ["rules’ recall, %", true]], found.classes.map(classRow))),
  el("div", { class: "jd-three" }, panel("Who said what", "rows: people; columns: the judge", confusion(found)), panel("Is its confidence worth anything?", null, confidence(found)), panel("They disagree", `${plural(found.disagreements.length, "response")}, the surest first`, disagreements(view)))];
}

function classRow({ label, people, judge, rules }) {
  const part = (reader, name) => estimateOf(reader?.[name]);
  const figure = (one) => (one ? [percent(one.value), " ", el("span", { class: "ci" }, interval(one))] : "–");
  const drawn = (name, words) => el("td", { class: "jd-bar" }, part(judge, name) && forest(part(judge, name), { label: said(part(judge, name), `${words} of ${labelWord(label)}`) }));
  return el("tr", {}, el("td", {}, labelWord(label)), num(grouped(people)), num(grouped(judge?.given ?? 0)), num(grouped(judge?.hits ?? 0)), num(figure(part(judge, "precision")), "b"), drawn("precision", "Precision"),
    num(figure(part(judge, "recall")), "b"), drawn("recall", "Recall"), num(figure(part(rules, "precision")), "t2"), num(figure(part(rules, "recall")), "t2"));
}

function confusion({ confusion: cells, classes }) {
  const labels = classes.map(({ label }) => label).filter((label) => cells.some((each) => each.person === label || each.judge === label));
  const count = (person, judge) => cells.find((each) => each.person === person && each.judge === judge)?.n ?? 0;
  const rows = labels.map((person) => {
    const total = labels.reduce((sum, judge) => sum + count(person, judge), 0);
    return el("tr", {}, el("th", { scope: "row" }, labelWord(person)), labels.map((judge) => {
      const n = count(person, judge), cell = num(grouped(n), `hm${judge === person ? " hit" : ""}${n ? "" : " t3"}`);
      cell.title = `People: ${labelWord(person)}; judge: ${labelWord(judge)}`;
      cell.style.setProperty("--v", `${total ? Math.round((100 * n) / total) : 0}%`);
      return cell;
    }));
  });
  return table("People against the judge", [["people"], ...labels.map((label) => [labelWord(label), true])], rows);
}

function confidence({ bins }) {
  if (!bins.length) return el("p", { class: "pb sm t3" }, "No confidence was given.");
  const rows = bins.map((bin) => el("tr", {}, el("td", {}, `${percent(bin.low, 0)}–${percent(bin.high, 0)}`), num(grouped(bin.right.n), "t3"), num(percent(bin.said)), num([percent(bin.right.value), " ", el("span", { class: "ci" }, interval(bin.right))], "b"),
    el("td", { class: "jd-bar" }, forest(bin.right, { zero: bin.said, label: said(bin.right, `Says ${percent(bin.said)} %, right`) }))));
  return table("Confidence", [["it says, %"], ["n", true], ["mean", true], ["right, %", true], ["line = what it says", false, null, "jd-bar"]], rows);
}

function disagreements({ parts, found: { disagreements: all } }) {
  if (!all.length) return el("p", { class: "pb sm t3" }, "None.");
  const rows = all.slice(0, 200).map((one) => el("tr", {}, el("td", { class: "clip" }, link(parts, one)), el("td", {}, labelWord(one.person)), el("td", {}, labelWord(one.judge)), num(one.confidence === null ? "–" : number(one.confidence, 2), "t3")));
  return table("Disagreements", [["item"], ["people"], ["judge"], ["sure", true]], rows, "jd-list");
}

// The item opens beside the page, as everywhere in Results.
function link(parts, { response, listener, task }) {
  return el("a", { href: parts.address({ view: "leaderboard", item: response }), onclick: (event) => { if (plain(event)) { event.preventDefault(); parts.go({ item: response }); } } }, `${listener}, ${task}`);
}

const foot = ({ parts, known }) => el("p", { class: "sm t3" }, "A judge sees the question and the response, never the clip, what is true or who answered. Its word counts only where the rules abstain; a person’s word counts before both. ",
  known.unparsed ? itemsLink(parts, "label=unparsed", "See what is unread", { cls: "linky" }) : null);

function choose(view, key) { view.parts.go({ judge: key }); }

function ask(view) {
  if (view.parts.root.querySelector("dialog[open]")) return;
  openJudge(view.parts.root, { known: view.known, found: view.found, onstarted: (run, title) => view.parts.started?.(run, title) });
}

function label(view) {
  if (view.parts.root.querySelector("dialog[open]")) return;
  openLabelling(view.parts.root, { count: 50, ondone: (labelled) => { if (labelled) view.parts.changed(); } });
}
