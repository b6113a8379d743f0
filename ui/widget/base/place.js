// The dialog that starts model annotation: who places event times on which clips, what it will cost, what it has cost.
import { shape } from "./annotators.js";
import { get, post } from "./api.js";
import { openDialog, submitKey } from "./dialog.js";
import { el, replace } from "./dom.js";
import { icon } from "./icons.js";

const WAIT_MS = 250;
const STORE = "thud.place";
const FREE = "signal";
const GLYPH = { ok: "check", warn: "alert", bad: "x", info: "info" };
const WAYS = { whole: "sees and hears the clip", frames: "sees numbered frames, hears nothing", measured: "measured on this machine, no network" };

export const dollars = (value) => (value === null || value === undefined ? "not known" : value === 0 ? "free" : value < 0.01 ? "under $0.01" : `$${value.toFixed(2)}`);
const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
const remembered = () => { try { return JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch { return {}; } };
const remember = (model) => { try { localStorage.setItem(STORE, JSON.stringify(model)); } catch { /* storage is off: fresh next time */ } };

function keyWord(row) {
  if (!row.key_env) return el("span", { class: "sm t3" }, "needs no key");
  return row.key_set ? el("span", { class: "st sm ok" }, icon("check"), el("span", { class: "t2" }, `${row.key_env} is set`))
    : el("span", { class: "st sm warn" }, icon("alert"), el("span", {}, `${row.key_env} is not set`));
}

function field(label, value, attrs, set) {
  const input = el("input", { class: "in s", spellcheck: "false", autocomplete: "off", "aria-label": label, value: String(value ?? ""), ...attrs });
  input.addEventListener("change", () => set(input.value.trim()));
  return el("label", { class: "col g4y sm t3" }, label.split(",")[0], input);
}

// clips: ids or null for all; cards: those clips; rows: the server's annotators. onstarted([{id, title}]), onclose().
export function openPlace(root, options) {
  return new PlaceDialog(root, options).dialog;
}

class PlaceDialog {
  constructor(root, { clips, cards, rows, onstarted, onclose }) {
    Object.assign(this, { clips, cards, rows, onstarted, plan: null, asked: 0, timer: 0, sending: false });
    this.model = this.begin();
    this.right = el("div", { class: "pb col pv" }, el("h3", {}, "What will happen"), ...Array.from({ length: 5 }, () => el("i", { class: "sk row-sk" })));
    this.said = el("p", { class: "sr", role: "status" });
    this.ledger = el("p", { class: "sm t3 spent" });
    this.go = el("button", { class: "btn p", "aria-keyshortcuts": "Control+Enter", onclick: () => this.start() });
    this.dialog = this.open(root, onclose);
    this.dialog.node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.start(); }
    });
    this.pending();
    this.ask();
    this.spent();
    this.go.focus();
  }

  // What was chosen here last time; at first whoever can be asked now.
  begin() {
    const held = remembered();
    const on = Object.fromEntries(this.rows.map((row) => [row.name, held.on?.[row.name] ?? (row.key_set || !row.key_env)]));
    return { on, changed: held.changed ?? {}, batch: held.batch ?? false, again: false };
  }

  open(root, onclose) {
    const cancel = el("button", { class: "btn q", onclick: () => this.dialog.close() }, "Cancel ", el("kbd", { "aria-hidden": "true" }, "Esc"));
    const whose = this.clips === null ? `on all ${count(this.cards.length, "clip")}` : this.cards.length === 1 ? `on ${this.cards[0].title || this.cards[0].name}` : `on ${this.cards.length} clips chosen by the filter`;
    return openDialog(root, {
      title: "Place event times", lead: el("span", { class: "t2 lead" }, whose), cls: "build place",
      body: el("div", { class: "dg" }, el("div", { class: "pb left" }, ...this.rows.map((row) => this.row(row)), this.ways()), this.right),
      foot: el("div", { class: "ph end" }, this.ledger, this.said, el("span", { class: "sp" }), cancel, this.go),
      onclose: () => { clearTimeout(this.timer); this.asked += 1; onclose?.(); },
    });
  }

  row(row) {
    const { model } = this;
    const box = el("input", { type: "checkbox", "aria-label": `Ask ${row.label}` });
    box.checked = model.on[row.name];
    const own = () => ({ ...row.settings, ...model.changed[row.name] });
    const set = (key, read) => (text) => {
      const value = read(text);
      model.changed[row.name] = { ...model.changed[row.name], [key]: value };
      if (value === row.settings[key]) delete model.changed[row.name][key];
      this.changed();
    };
    const whole = (text) => (/^\d+$/.test(text) ? Number(text) : text);
    const more = row.name === FREE ? null : el("details", { class: "more" }, el("summary", { class: "sm t3" }, "Model, address, pace"),
      el("div", { class: "row w" }, field(`Model, ${row.label}`, own().model, { size: "20" }, set("model", String)),
        field(`Address of the server, ${row.label}`, own().base_url, { size: "24", placeholder: "the vendor's own" }, set("base_url", String)),
        field(`At once, ${row.label}`, own().at_once, { size: "4", inputmode: "numeric" }, set("at_once", whole)),
        field(`A minute, ${row.label}`, own().per_minute, { size: "5", inputmode: "numeric" }, set("per_minute", whole))));
    const name = el("span", { class: `an bl ${row.name}` }, shape(row.name), el("b", {}, row.label));
    const body = el("div", { class: "col g4y grow" }, el("div", { class: "row w" }, el("span", { class: "sm t2" }, WAYS[row.way] ?? ""), el("span", { class: "sp" }), keyWord(row)), more);
    const node = el("div", { class: "bo top" }, box, name, body);
    const mark = () => node.classList.toggle("out", !box.checked);
    box.addEventListener("change", () => { model.on = { ...model.on, [row.name]: box.checked }; mark(); this.changed(); });
    mark();
    return node;
  }

  ways() {
    const batches = this.rows.filter((row) => row.batch).map((row) => row.label).join(" and ");
    const check = (key, label, words) => {
      const box = el("input", { type: "checkbox", onchange: () => { this.model[key] = box.checked; this.changed(); } });
      box.checked = this.model[key];
      return el("label", { class: "fl" }, box, el("span", {}, label), el("span", { class: "sm t3" }, words));
    };
    this.again = check("again", "Ask again", "where there was an answer and no mark");
    return el("div", { class: "col pt" }, batches ? check("batch", `Batches for ${batches}`, "cheaper where the price is known; up to a day") : null, this.again);
  }

  body() {
    const chosen = this.rows.filter((row) => this.model.on[row.name]);
    return { clips: this.clips, again: this.model.again, batch: this.model.batch, annotators: chosen.map((row) => ({ name: row.name, ...this.model.changed[row.name] })) };
  }

  label(plan) {
    const total = plan?.clips ?? null;
    const ready = plan !== null && total > 0 && !plan.blocked;
    this.go.setAttribute("aria-disabled", String(!ready));
    replace(this.go, plan === null ? "Place …" : plan.blocked ? "Cannot start" : total === 0 ? "Nothing to ask" : `Place ${count(total, "mark")}`, ready ? submitKey() : null);
  }

  pending() {
    this.plan = null;
    this.right.setAttribute("aria-busy", "true");
    this.label(null);
  }

  changed() {
    const { on, changed, batch } = this.model;
    remember({ on, changed, batch });
    this.pending();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  async ask() {
    const mine = (this.asked += 1);
    let plan = null, failure = null;
    try { plan = await post("/api/annotators/plan", this.body()); } catch (error) { failure = error; }
    if (mine !== this.asked) return; // a newer question is on its way
    this.plan = plan;
    this.right.removeAttribute("aria-busy");
    this.label(plan);
    if (failure) {
      replace(this.right, el("h3", {}, "What will happen"), el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, failure.message)),
        el("button", { class: "btn s start", onclick: () => { this.go.focus(); this.ask(); } }, "Try again"));
    } else this.draw(plan);
  }

  draw(plan) {
    const figure = (value, cls = "") => el("td", { class: `num ${cls}` }, value);
    const labelOf = (name) => this.rows.find((row) => row.name === name)?.label ?? name;
    const rows = plan.rows.map((row) => el("tr", {}, el("td", {}, el("span", { class: `an ${row.name}` }, shape(row.name), labelOf(row.name))),
      figure(String(row.clips), row.clips ? "" : "t3"), figure(String(row.marked), "t3"), figure(row.requests.toLocaleString("en-US"), row.requests ? "" : "t3"), figure(row.clips ? dollars(row.cost_usd) : "–", row.cost_usd === null || !row.clips ? "t3" : "")));
    const total = plan.cost_usd === null && plan.cost_known_usd > 0 ? `over ${dollars(plan.cost_known_usd)}` : dollars(plan.cost_usd);
    this.said.textContent = `${plan.clips} to ask, ${total}`;
    replace(this.right, el("h3", {}, "What will happen"),
      rows.length ? el("table", { class: "c plan" }, el("thead", {}, el("tr", {}, el("th", {}, "annotator"), ...["clips", "have", "requests", "about"].map((word) => el("th", { class: "num" }, word)))),
        el("tbody", {}, ...rows, el("tr", { class: "b" }, el("td", {}, "all"), figure(String(plan.clips)), figure(""), figure(plan.requests.toLocaleString("en-US")), figure(total)))) : null,
      el("div", { class: "col g4y" }, ...plan.notes.map((note) => el("span", { class: `st top ${note.level}` }, icon(GLYPH[note.level] ?? "info"), el("span", {}, note.text)))));
  }

  // The ledger: what all runs so far have cost, as far as prices are known.
  async spent() {
    try {
      const found = await get("/api/ledger", { signal: this.dialog.signal });
      this.ledger.textContent = found.replies === 0 ? "Nothing has been asked of a model yet."
        : `So far ${count(found.replies, "reply", "replies")}, ${dollars(found.cost_usd)}${found.unpriced ? `, ${found.unpriced.toLocaleString("en-US")} without a known price` : ""}.`;
    } catch { /* the dialog works without it */ }
  }

  async start() {
    if (!this.plan || this.plan.blocked || this.plan.clips === 0 || this.sending) return;
    this.sending = true;
    try {
      const { runs } = await post("/api/annotators/start", this.body());
      this.onstarted(runs);
      this.dialog.close();
    } catch (error) {
      this.right.prepend(el("div", { class: "note bad", role: "alert" }, icon("x"), el("span", {}, error.message)));
    }
    this.sending = false;
  }
}
