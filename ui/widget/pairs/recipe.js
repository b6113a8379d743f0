// The recipe: how many pairs of each type. Counts are edited here; what was built of them stands beside.
import { post } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { formDialog } from "./dialogs.js";
import { bar, count, fillOf, panel, percent, plural, status, typeName } from "./parts.js";
import { face, makeMenu, option, options } from "../results/menu.js";
import { fail, toast } from "../base/toast.js";

const DRAFT = "thud.pairs.recipe";
const FIELDS = ["name", "title", "stage", "counts", "seed", "curriculum", "shares", "note", "table_row"];
const STAGES = { dpo: "DPO", sft: "SFT", none: "nothing" };
const LEAST_GENERAL = 0.05, EVEN = 0.12;
const LATER = "Not in this recipe";

// parts: {root, overview(), set(), state(), go(changes), changed(): counts were edited, reload()}.
export class RecipePanel {
  constructor(parts) {
    this.parts = parts;
    this.recipe = null;
    this.menu = makeMenu({ name: "Recipe", cls: "in s pick", face: face("", ""), title: "Choose a recipe", fill: (close) => this.choices(close) });
    this.save = el("button", { class: "btn q s makes", type: "button", onclick: () => this.saveAs() }, "Save as…");
    this.edited = el("span", { class: "chip dash", hidden: true }, "edited");
    const made = panel("Recipe", this.menu.node, this.edited, el("span", { class: "sp" }), this.save);
    Object.assign(this, { node: made.node, body: made.body });
    this.node.classList.add("rcp");
  }

  // The recipe to begin with: what was being edited, else that of the set, else the first.
  begin() {
    const { recipes } = this.parts.overview();
    let draft = null;
    try { draft = JSON.parse(sessionStorage.getItem(DRAFT)); } catch { /* storage is off or holds something else */ }
    this.take(draft?.counts ? draft : this.parts.set()?.recipe ?? recipes[0], Boolean(draft?.counts));
  }

  take(recipe, draft = false) {
    this.recipe = { ...Object.fromEntries(FIELDS.filter((key) => key in recipe).map((key) => [key, recipe[key]])), counts: { ...recipe.counts } };
    if (!draft) this.keep(false);
    this.draw();
    this.parts.changed();
  }

  keep(on) {
    try { if (on) sessionStorage.setItem(DRAFT, JSON.stringify(this.recipe)); else sessionStorage.removeItem(DRAFT); } catch { /* storage is off: not kept over a reload */ }
  }

  get total() { return Object.values(this.recipe.counts).reduce((sum, n) => sum + n, 0); }
  get known() { return this.parts.overview().recipes.find(({ name }) => name === this.recipe.name) ?? null; }
  get isEdited() {
    const { known } = this, types = this.parts.overview().types.map(({ type }) => type);
    return !known || known.seed !== this.recipe.seed || types.some((type) => (known.counts[type] ?? 0) !== (this.recipe.counts[type] ?? 0));
  }

  // What is sent: a shipped recipe that was changed goes by a name of its own.
  wanted() { return { ...this.recipe, counts: Object.fromEntries(Object.entries(this.recipe.counts).filter(([, n]) => n > 0)), ...(this.isEdited && this.known && !this.known.own ? { name: `${this.recipe.name} edited`.slice(0, 60), title: `${this.recipe.title}, edited` } : {}) }; }

  only(types) {
    const from = this.recipe.counts;
    this.recipe.counts = Object.fromEntries(types.map((type) => [type, from[type] || 1000]));
    this.keep(true);
    this.draw();
    this.parts.changed();
  }

  choices(close) {
    const { recipes } = this.parts.overview(), one = (recipe) => option(recipe.title, { on: recipe.name === this.recipe.name, aside: `${STAGES[recipe.stage]}  ${count(recipe.total)}`, run: () => { close(); this.take(recipe); } });
    const own = recipes.filter((each) => each.own), paper = recipes.filter((each) => !each.own && each.table_row), ours = recipes.filter((each) => !each.own && !each.table_row);
    const group = (words, all, draw = one) => all.length > 0 && [el("p", { class: "xs t3 opt-head" }, words), options(words, false, all.map(draw))];
    return [group("Recipes", ours), group("Yours", own, (recipe) => el("div", { class: "row" }, one(recipe), el("button", { class: "btn q s i makes", type: "button", "aria-label": `Delete the recipe ${recipe.title}`, onclick: () => { close(); this.remove(recipe); } }, icon("x", "s")))), group("Rows of the paper’s Table 2", paper)].flat(2);
  }

  draw() {
    const { recipe } = this, { types } = this.parts.overview(), made = this.parts.set()?.types ?? {};
    this.menu.face(face("", recipe.title));
    this.edited.hidden = !this.isEdited;
    this.strip = el("div", { class: "pb strip" });
    this.rows = types.map((type) => this.row(type, made[type.type]));
    this.sum = el("td", { class: "num b sum" });
    replace(this.body, this.strip,
      el("div", { class: "tw" }, el("table", { class: "c rt" }, el("thead", {}, el("tr", {}, el("th", {}, "type"), el("th", { class: "dsc" }, "teaches"), ...["pairs", "share", "clean"].map((word) => el("th", { class: "num" }, word)))),
        el("tbody", {}, this.rows.map((row) => row.node), el("tr", { class: "all" }, el("td", { class: "b" }, "all"), el("td"), this.sum, this.whole = el("td", { class: "num t2" }), el("td"))))),
      this.foot());
    this.count();
  }

  row(type, made) {
    const name = typeName(type.type), { go, state } = this.parts;
    const field = el("input", { class: "in s nmi", type: "text", inputmode: "numeric", autocomplete: "off", "aria-label": `Pairs of ${name}`, "data-type": type.type, value: count(this.recipe.counts[type.type] ?? 0),
      oninput: () => this.typed(type.type, field), onfocus: () => field.select(), onblur: () => { field.value = count(this.recipe.counts[type.type] ?? 0); field.removeAttribute("aria-invalid"); },
      onkeydown: (event) => this.step(event, type.type, field) });
    const swatch = el("i"), share = el("td", { class: "num t2" }), clean = el("td", { class: "num t3 nw" });
    const pick = el("button", { class: "by", type: "button", title: `Show the pairs of ${name}`, onclick: () => go({ type: state().type === type.type ? "" : type.type, pair: "" }) }, el("b", {}, name));
    const node = el("tr", { "data-type": type.type }, el("td", {}, el("span", { class: "row" }, swatch, pick)), el("td", { class: "t2 dsc", title: type.teaches }, type.teaches), el("td", { class: "num" }, field), share, clean);
    return { type: type.type, node, share, clean, swatch, made, field };
  }

  typed(type, field) {
    const digits = field.value.replace(/\s/g, ""), good = /^\d{0,7}$/.test(digits);
    field.toggleAttribute("aria-invalid", !good);
    if (!good) { field.setAttribute("aria-invalid", "true"); return; }
    this.recipe.counts[type] = Number(digits || 0);
    this.keep(true);
    this.count();
    this.parts.changed();
  }

  // Arrows change a count by a tenth of it, as far as ten; Enter goes on to the next.
  step(event, type, field) {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") { event.preventDefault(); const all = this.rows.map((row) => row.field); all[(all.indexOf(field) + 1) % all.length].focus(); return; }
    if (!by) return;
    event.preventDefault();
    const now = this.recipe.counts[type] ?? 0, size = Math.max(10, 10 ** Math.floor(Math.log10(Math.max(now, 10)) - (by < 0 && /^10*$/.test(String(now)) ? 1 : 0)) / 10) || 10;
    field.value = String(Math.max(0, Math.round((now + by * size) / size) * size));
    this.typed(type, field);
    field.value = count(this.recipe.counts[type]);
  }

  // Everything that follows from the counts, without touching the fields that somebody types in.
  count() {
    const { counts } = this.recipe, { total } = this, chosen = this.parts.state().type;
    replace(this.strip, bar(Object.fromEntries(this.rows.map(({ type }) => [type, counts[type] ?? 0])), `Shares of ${count(total)} pairs`));
    for (const { type, node, share, clean, swatch, made } of this.rows) {
      const wanted = counts[type] ?? 0;
      node.classList.toggle("off", wanted === 0);
      node.setAttribute("aria-selected", String(chosen === type));
      swatch.className = `sw ${wanted ? fillOf(type) : ""}`;
      share.textContent = wanted ? percent(wanted, total) : "0 %";
      replace(clean, this.cleanOf(type, wanted, made));
    }
    this.sum.textContent = count(total);
    this.whole.textContent = total ? "100 %" : "";
    this.edited.hidden = !this.isEdited;
  }

  cleanOf(type, wanted, made) {
    if (!made || (!made.made && !made.available)) {
      if (wanted && made && !this.parts.set().parent) return el("button", { class: "linky warn", type: "button", title: "Show at which step they are lost", onclick: () => this.parts.why(type) }, "none, why?");
      return el("span", { title: wanted ? "Not built yet" : LATER }, wanted ? "not built" : "not made");
    }
    const kept = made.made - made.held, words = `${count(kept)} made clean${made.held ? `, ${count(made.held)} held back` : ""}${made.available ? `, of ${plural(made.available, "situation")}` : ""}`;
    return el("span", { class: kept < made.wanted ? "warn" : "", title: words }, count(kept));
  }

  foot() {
    const set = this.parts.set(), seed = el("input", { class: "in s", type: "text", inputmode: "numeric", "aria-label": "Seed", value: String(this.recipe.seed ?? 17), autocomplete: "off", oninput: () => {
      const good = /^\d{1,9}$/.test(seed.value);
      if (good) seed.removeAttribute("aria-invalid"); else seed.setAttribute("aria-invalid", "true");
      if (!good) return;
      this.recipe.seed = Number(seed.value);
      this.keep(true);
      this.count();
      this.parts.changed();
    } });
    const line = (words, ...value) => el("div", { class: "row fl3" }, el("span", { class: "t3" }, words), value);
    return el("div", { class: "pf col sm" }, set && set.pairs > 0 && [line("General share", generalOf(set)), line("Rejected answers", rejectedOf(set))],
      line("Seed", seed, el("span", { class: "t3" }, "same seed, same pairs")), this.recipe.note && el("p", { class: "xs t3 notes2" }, this.recipe.note));
  }

  saveAs() {
    const name = el("input", { type: "text", class: "in", maxlength: "60", "aria-label": "Name of the recipe", value: this.known?.own ? this.recipe.title : "", placeholder: "more silence", autocomplete: "off", spellcheck: "false" });
    formDialog(this.parts.root, { title: "Save the recipe as", verb: "Save the recipe", lead: `${count(this.total)} pairs, seed ${this.recipe.seed}. Everybody who works here can build it.`, fields: name,
      send: async () => {
        if (!name.value.trim()) { name.focus(); throw new Error("Give it a name."); }
        const { recipe } = await post("/api/pairs/recipe/save", { recipe: { ...this.wanted(), name: name.value.trim(), title: name.value.trim(), table_row: "" } });
        await this.parts.reload();
        this.take(recipe);
        toast(`The recipe is kept as “${recipe.title}”.`);
        return true;
      } });
  }

  async remove(recipe) {
    try { await post("/api/pairs/recipe/remove", { name: recipe.name }); } catch (error) { fail(error); return; }
    await this.parts.reload();
    if (this.recipe.name === recipe.name) this.take(this.parts.overview().recipes[0]);
    toast(`The recipe “${recipe.title}” is gone. Sets that were built of it stay.`, { action: { label: "Undo", run: async () => {
      try { await post("/api/pairs/recipe/save", { recipe: Object.fromEntries(FIELDS.map((key) => [key, recipe[key]])) }); await this.parts.reload(); } catch (error) { fail(error); }
    } } });
  }
}

function generalOf({ balance, types }) {
  if (types?.imported?.made) return el("span", { class: "t3" }, "not known"); // a file does not say what kind its pairs are
  const share = balance.general_share ?? 0;
  return share < LEAST_GENERAL ? status("warn", `${Math.round(share * 100)} %: plain video questions may get worse`) : status("ok", `${Math.round(share * 100)} %`);
}

// Only the answers about when the sound comes are held against each other: the others have one rejected answer each.
function rejectedOf({ balance }) {
  const shares = ["synced", "early", "delayed"].map((label) => [label, balance.rejected?.[label] ?? 0]), all = shares.reduce((sum, [, n]) => sum + n, 0);
  if (!all) return el("span", { class: "t3" }, "none about the timing");
  const words = shares.map(([label, n]) => `${percent(n, all)} ${label}`).join(", "), even = shares.every(([, n]) => Math.abs(n / all - 1 / 3) <= EVEN);
  return status(even ? "ok" : "warn", even ? `balanced: ${words}` : words);
}
