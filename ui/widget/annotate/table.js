// The marks in numbers: a row per annotator with its key, and your own row last. And why the clip is in the queue.
import { shape } from "../base/annotators.js";
import { el, number, replace, signed } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { apart } from "./marks.js";

const faint = (text) => el("span", { class: "t3" }, text);
const sure = (mark) => mark?.confidence || mark?.detail?.confidence || "–";

// What stands where no time is: why there is none.
function absence(mark, lane) {
  if (!mark) return "no mark";
  if (mark.verdict === "discarded") return "discarded";
  if (mark.verdict === "uncertain") return "uncertain";
  if (lane === "sound" && mark.verdict === "no_sound") return "no sound";
  return lane === "sound" && mark.hears === false ? "picture only" : "not placed";
}

export class MarksTable {
  // caps: {picture, sound}: nodes of the keys that set your own times; key(row): the node of the key that accepts a row.
  constructor({ caps, key, onaccept }) {
    Object.assign(this, { caps, key, onaccept });
    this.body = el("tbody");
    const head = ["key", "annotator", "picture, s", "from yours", "sound, s", "from yours", "sure"].map((text, i) => el("th", { class: i > 1 && i < 6 ? "num" : i === 6 ? "lo" : null, scope: "col" }, text));
    this.node = el("div", { class: "panel tw" }, el("table", { class: "mt" }, el("thead", {}, el("tr", {}, head)), this.body));
  }

  wait(count = 5) { replace(this.body, Array.from({ length: count }, () => el("tr", {}, el("td", { colspan: "7" }, el("div", { class: "sk", style: { width: "62%" } }))))); }

  // veiled: the marks are there but not shown yet.
  show({ rows, draft, veiled, tolerance, frame, yourName = "You" }) {
    this.node.classList.toggle("crowded", rows.length > 4);
    replace(this.body, rows.map((row) => this.#row(row, draft, veiled, tolerance)), this.#yours(draft, frame, yourName));
  }

  #row(row, draft, veiled, tolerance) {
    const name = el("td", {}, el("span", { class: `an ${row.look}` }, shape(row.look), el("span", { class: "clip" }, row.label)));
    const key = el("td", {}, this.key(row));
    if (veiled) return el("tr", {}, key, name, el("td", { class: "num" }, faint("hidden")), el("td"), el("td", { class: "num" }, faint("hidden")), el("td"), el("td", { class: "lo" }));
    const cells = ["picture", "sound"].flatMap((lane) => this.#cells(row, lane, draft, tolerance));
    return el("tr", { title: row.mark?.detail?.sentence || null }, key, name, cells, el("td", { class: "lo t2" }, sure(row.mark)));
  }

  #cells(row, lane, draft, tolerance) {
    const at_s = row.mark?.[lane === "picture" ? "visual_s" : "audio_s"] ?? null;
    if (at_s === null) return [el("td", { class: "num" }, faint(absence(row.mark ?? null, lane))), el("td", { class: "num" }, faint("–"))];
    const { by_s, far } = apart(at_s, lane === "picture" ? draft.visual_s : draft.audio_s, tolerance[lane]);
    const time = el("button", { type: "button", class: "take", title: `Take ${row.label}'s ${lane} time`, onclick: () => this.onaccept(row, lane) }, number(at_s));
    const by = signed(Math.round(by_s * 1000) / 1000 || 0), from = far ? [icon("alert", "s"), ` ${by}`] : by_s === null ? faint("–") : by;
    return [el("td", { class: "num" }, time), el("td", { class: far ? "num out" : "num" }, from)];
  }

  #yours(draft, frame, name) {
    const cell = (value, none) => el("td", { class: "num b" }, value === null ? el("span", { class: "t3 plain" }, none) : number(value));
    const dash = () => el("td", { class: "num t3" }, "–");
    return el("tr", { class: "you" }, el("td", {}, this.caps.picture(), " ", this.caps.sound()), el("td", { class: "b" }, el("span", { class: "an human" }, shape("human"), name)),
      cell(draft.visual_s, "not set"), dash(), cell(draft.audio_s, draft.silent ? "no sound" : "not set"), dash(), el("td", { class: "lo t2" }, draft.visual_s === null ? "–" : `frame ${frame}`));
  }
}

const CHECKS = { visual: "picture agreed", audio: "sound verified", clarity: "clear event", salience: "loud enough", validity: "edits valid" };

export class Why {
  constructor() {
    this.list = el("ul", { class: "why" });
    this.checks = el("div", { class: "wc" });
    this.node = el("section", { class: "panel wy", "aria-label": "Why it is here" }, el("div", { class: "wh" }, el("h3", {}, "Why it is here"), this.list), this.checks);
  }

  wait() { replace(this.list, el("li", { class: "sk" })); replace(this.checks); }

  show({ reasons, checks, veiled }) {
    const item = (level, glyph, text) => el("li", {}, el("span", { class: `st ${level}`, title: text }, icon(glyph), el("span", {}, text)));
    const none = reasons.length === 0 && item("", "dash", "Nothing stands against it");
    replace(this.list, veiled ? item("", "dash", "Shown once both of your times are set, so that it cannot steer you") : none || reasons.map((text) => item("warn", "alert", text)));
    replace(this.checks, veiled ? [] : checks.map(({ name, passed, words }) => {
      const [level, glyph] = passed === true ? ["ok", "check"] : passed === false ? ["bad", "x"] : ["", "dash"];
      return el("span", { class: `st ${level}`, title: words || name }, icon(glyph), el("span", { class: "clip" }, CHECKS[name] ?? name));
    }));
  }
}
