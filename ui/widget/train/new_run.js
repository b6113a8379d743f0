// A new run: stage, recipe, where it starts, on which pairs, and the numbers that matter; all others as YAML.
import { el, replace } from "../base/dom.js";
import { face, makeMenu, option, options } from "../results/menu.js";
import { panel, plural } from "../pairs/parts.js";
import { formDialog, field as labelled, pathInput } from "../pairs/dialogs.js";
import { Afterwards, NOTHING } from "./afterwards.js";
import { STAGES, rate } from "./parts.js";

const DRAFT = "thud.train.draft.3";
const EMPTY = { stage: "sft", recipe: "", base: "", set: "", export: "", adapter_run: "", adapter: "", fields: {}, rest: null, device: null, on: "", waive: [], then: NOTHING };
const DEFAULTS = { batch_size: 1, accumulation: 1, world_size: 1, max_steps: 0, epochs: 1, eval_every: 0, learning_rate: 5e-5, warmup: 0.03, lora: { rank: 16, alpha: 32 }, loss: { beta: 0.1 } };
const NUMBER = /^(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i;

// One mapping over another, both as deep as they are.
export function merged(under, over) {
  const both = { ...under };
  for (const [key, value] of Object.entries(over ?? {})) both[key] = value && typeof value === "object" && !Array.isArray(value) ? merged(under?.[key] ?? {}, value) : value;
  return both;
}

// Rows a step as rows at a time and how many times: the largest part that is no more than `most`, and divides it.
export function shared(rows, most, world) {
  const each = Math.round(rows / world);
  let batch = Math.max(1, Math.min(most, each));
  while (each % batch) batch -= 1;
  return { batch_size: batch, accumulation: Math.max(1, each / batch) };
}

// parts: {root, overview(), details(): what the checker says of the recipes, or null, changed()}.
export class NewRun {
  constructor(parts) {
    this.parts = parts;
    this.model = { ...EMPTY };
    this.left = new Map(); // stage and recipe → what was chosen for them; of the newest last
    this.after = new Afterwards({ model: () => this.model, overview: parts.overview, title: (name) => parts.details()?.recipes.find((one) => one.name === name)?.title ?? name, changed: (redraw) => this.changed(redraw) });
    this.wrong = new Map(); // fields that hold no number, and what they are called
    this.stages = el("span", { class: "seg s", role: "radiogroup", "aria-label": "Stage" }, Object.entries(STAGES).map(([id, words]) => el("button", { type: "button", role: "radio", "data-stage": id, onclick: () => this.turn(id) }, words)));
    const made = panel("New run", el("span", { class: "sp" }), this.stages);
    Object.assign(this, { node: made.node, body: made.body });
  }

  begin() {
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem(DRAFT)); } catch { /* storage is off or holds something else */ }
    const there = (draft) => draft?.stage in STAGES && this.recipes(draft.stage).some(({ name }) => name === draft.recipe);
    for (const [key, draft] of kept?.left ?? []) if (there(draft)) this.left.set(key, draft);
    if (there(kept?.now)) { this.hold({ ...EMPTY, ...kept.now }); this.forget(); }
    else this.start("sft");
    this.draw();
  }

  // Pairs and runs that are not there any more are not chosen any more. Returns whether there were such.
  forget() {
    const { sets, runs } = this.parts.overview(), { model } = this, gone = { set: model.set && !sets.some(({ id }) => id === model.set), adapter_run: model.adapter_run && !runs.some(({ run }) => run === model.adapter_run) };
    for (const name of Object.keys(gone)) if (gone[name]) model[name] = "";
    return Object.values(gone).some(Boolean);
  }

  recipes(stage = this.model.stage) { return this.parts.overview().recipes.filter((one) => one.stage === stage); }
  get recipe() { return this.recipes().find(({ name }) => name === this.model.recipe) ?? { name: "", config: {} }; }
  get config() { return merged(merged(DEFAULTS, this.recipe.config), this.model.fields); }

  // What is sent: everything that was chosen.
  wanted() {
    const { rest, ...more } = this.model;
    return { ...more, yaml: rest ?? "", then: this.after.wanted };
  }

  // All settings as the server has put them together; before its first answer those that are known here.
  get settled() { return merged(merged(DEFAULTS, this.told?.config?.stage === this.model.stage ? this.told.config : this.recipe.config), this.model.fields); }

  hold(model) {
    this.told = this.all = null;
    this.model = model;
  }

  // A stage from its first recipe, or the one that was chosen, whose base counts; DPO goes on from the newest SFT. Where it runs stays, and the pairs where they fit, and within a stage what follows.
  start(stage, recipe = null) {
    const { adapters, sets } = this.parts.overview(), { device, on, set, export: folder, then } = this.model, same = stage === this.model.stage;
    const found = recipe ?? this.recipes(stage)[0], base = found?.config.base ?? "tiny", taught = stage === "dpo" ? adapters.filter((one) => one.stage === "sft") : [];
    const from = taught.find((one) => one.base === base) ?? (recipe ? null : taught[0]), fits = same ? set || folder : sets.some((one) => one.id === set && one.stage === stage);
    this.hold({ ...EMPTY, stage, recipe: found?.name ?? "", base: from?.base ?? base, adapter_run: from?.run ?? "", set: fits ? set : this.newest(stage), export: same ? folder : "", device, on, then: same ? then : NOTHING });
  }

  // Kept until somebody comes back to that stage and recipe.
  leave() {
    const key = `${this.model.stage} ${this.model.recipe}`;
    this.left.delete(key);
    this.left.set(key, this.model);
  }

  newest(stage) {
    const { sets } = this.parts.overview();
    return (sets.find((one) => one.stage === stage) ?? sets.find((one) => stage === "sft" || one.stage === "dpo"))?.id ?? "";
  }

  // New pairs are chosen by themselves only where nothing was; what is gone is chosen no more. Nothing else is touched, and nobody's typing.
  refresh() {
    if (this.node.contains(document.activeElement) || this.wrong.size > 0) return;
    const { model } = this, gone = this.forget(), before = model.set;
    if (!model.set && !model.export && !gone) model.set = this.newest(model.stage);
    if (gone || model.set !== before) this.changed(true);
  }

  // Another stage or recipe: as it was left, else from its beginning.
  turn(stage, recipe = null) {
    const { model } = this, same = stage === model.stage;
    if (same && (recipe?.name ?? model.recipe) === model.recipe) return;
    this.leave();
    const back = [...this.left.values()].filter((one) => one.stage === stage && (!recipe || one.recipe === recipe.name)).at(-1);
    if (back) this.hold({ ...back, device: model.device, on: model.on, ...(same && { set: model.set, export: model.export, then: model.then, waive: [] }) });
    else this.start(stage, recipe);
    this.forget();
    this.changed(true);
  }

  // As another run was: everything that it was told, ready to be changed.
  take(wanted) {
    const { yaml, ...more } = wanted;
    this.leave();
    this.hold({ ...EMPTY, ...more, rest: yaml || null });
    this.changed(true);
    this.node.scrollIntoView({ block: "nearest" });
  }

  changed(redraw = false) {
    try { sessionStorage.setItem(DRAFT, JSON.stringify({ now: this.model, left: [...this.left] })); } catch { /* storage is off: not kept over a reload */ }
    if (redraw) this.draw();
    else this.units();
    this.parts.changed();
  }

  put(fields) {
    this.model.fields = merged(this.model.fields, fields);
    this.changed();
  }

  draw() {
    const { config, model, wrong } = this, dpo = model.stage === "dpo", mended = wrong.size > 0, held = this.held();
    for (const node of this.stages.children) node.setAttribute("aria-checked", String(node.dataset.stage === model.stage));
    this.numbers = {};
    wrong.clear();
    replace(this.body, el("div", { class: "pb fg" }, this.line("Recipe", this.recipeMenu()), this.line("Start from", this.startMenu()), this.line("Pairs", this.setMenu()),
      this.number("Learning rate", "learning_rate", rate(config.learning_rate), (value) => ({ learning_rate: value })),
      dpo ? this.number("β", "loss.beta", String(config.loss.beta), (value) => ({ loss: { beta: value } })) : this.number("Warm-up", "warmup", String(config.warmup), (value) => ({ warmup: value }), { unit: "of the steps" }),
      this.number(dpo ? "Pairs a step" : "Rows a step", "rows", String(this.rows(config)), (value) => shared(value, config.batch_size, this.settled.world_size), { whole: true, least: 1 }),
      this.number("Steps", "max_steps", config.max_steps ? String(config.max_steps) : "", (value) => ({ max_steps: value }), { whole: true, unit: "", empty: 0 }),
      this.cell = this.lora(),
      this.number("Check every", "eval_every", String(config.eval_every), (value) => ({ eval_every: value }), { whole: true, unit: "steps" }), this.after.draw()), this.more());
    this.units();
    this.focus(held);
    if (mended) this.parts.changed(); // what was typed there is gone
  }

  // The name of the field that has the focus; of a menu its button. The focus comes back to it when all is drawn anew.
  held() {
    const at = document.activeElement;
    return this.body.contains(at) ? (at.closest(".menu-of")?.firstElementChild ?? at).dataset.field : null;
  }
  focus(name) { if (name) this.body.querySelector(`[data-field="${name}"]`)?.focus({ preventScroll: true }); }

  // Whether all weights train, by all settings together as far as they were told. A setting of LoRA that is refused needs its field.
  allTrain() {
    const { told, model } = this;
    if (told?.wrong?.startsWith("lora.")) return false;
    return told?.config?.stage === model.stage ? told.config.tuning === "full" : this.all ?? this.config.tuning === "full";
  }

  lora() {
    const { config } = this;
    this.all = this.allTrain();
    delete this.numbers["lora.rank"];
    if (this.all) return this.line("LoRA rank", el("span", { class: "in t3" }, "all weights train"), true);
    return this.number("LoRA rank", "lora.rank", String(config.lora.rank), (value) => ({ lora: { rank: value } }), { whole: true, second: this.alpha(config) });
  }

  line(words, inside, narrow = false) { return el("div", { class: `fd${narrow ? " half1" : ""}` }, el("span", { class: "sm t2" }, words), inside); }

  number(words, key, value, change, { whole = false, unit = "", empty = null, least = 0, second = null } = {}) {
    const said = el("span", { class: "u" }, unit), input = this.input(words, key, value, { whole, empty, least, take: (number) => this.put(change(number)) });
    this.numbers[key] = { input, said };
    return el("div", { class: "fd half1" }, el("span", { class: "sm t2", "aria-hidden": "true" }, words), el("span", { class: "in" }, input, second, said));
  }

  // A field for a number; what is none is kept in mind, so that nothing starts with the number from before. empty: what nothing stands for, null = it may not be.
  input(words, key, value, { whole, empty = null, least = 0, cls = null, take }) {
    const input = el("input", { type: "text", inputmode: whole ? "numeric" : "decimal", autocomplete: "off", class: cls, "aria-label": words, "data-field": key, value });
    input.addEventListener("input", () => {
      const text = input.value.trim(), nothing = text === "" && empty !== null, number = nothing ? empty : Number(text), good = nothing || ((whole ? /^\d{1,9}$/ : NUMBER).test(text) && Number.isFinite(number) && number >= least);
      if (good) { input.removeAttribute("aria-invalid"); this.wrong.delete(key); take(number); return; }
      input.setAttribute("aria-invalid", "true");
      this.wrong.set(key, words);
      this.parts.changed();
    });
    return input;
  }

  alpha(config) {
    const input = this.input("LoRA alpha", "lora.alpha", String(config.lora.alpha), { whole: true, cls: "alpha1", take: (value) => this.put({ lora: { alpha: value } }) });
    return el("span", { class: "row two1" }, el("span", { class: "t3", "aria-hidden": "true" }, "α"), input);
  }

  rows(config) { return config.batch_size * config.accumulation * config.world_size; }

  // What follows from the numbers, without touching the fields that somebody types in. told: the newest check.
  units(told = this.told) {
    this.told = told;
    if (this.allTrain() !== this.all && !this.cell.contains(document.activeElement)) this.cell.replaceWith(this.cell = this.lora());
    this.after.told(told?.then);
    this.again.hidden = this.model.rest === null && Object.keys(this.model.fields).length === 0;
    const config = this.settled, { rows, max_steps: steps } = this.numbers, all = String(this.rows(config));
    rows.said.textContent = `= ${config.batch_size} × ${config.accumulation}${config.world_size > 1 ? ` × ${config.world_size}` : ""}`;
    if (rows.input !== document.activeElement && !this.wrong.has("rows") && Number.isFinite(this.rows(config))) rows.input.value = all;
    steps.input.placeholder = told?.steps ? String(told.steps) : "one pass";
    steps.said.textContent = told?.passes ? plural(Number(told.passes), "pass", "passes") : config.max_steps ? "" : plural(config.epochs, "pass", "passes");
    for (const [key, { input }] of Object.entries(this.numbers)) input.closest(".in").classList.toggle("wrong", told?.wrong === key);
  }

  recipeMenu() {
    const about = (name) => this.parts.details()?.recipes.find((one) => one.name === name);
    return this.menu("Recipe", about(this.model.recipe)?.title ?? this.model.recipe, (close) => options("Recipe", false, this.recipes().map((one) => option(el("span", { title: about(one.name)?.about }, about(one.name)?.title ?? one.name),
      { on: one.name === this.model.recipe, aside: about(one.name)?.verdict === "blocked" ? "not here" : null, run: () => { close(); this.turn(one.stage, one); } }))));
  }

  startMenu() {
    const { adapters: known, runs } = this.parts.overview(), { model } = this, from = known.find(({ run }) => run === model.adapter_run), bare = !model.adapter_run && !model.adapter;
    const here = from ? `${from.name}, step ${from.step}` : runs.find(({ run }) => run === model.adapter_run)?.name ?? (model.adapter || model.base);
    const base = (name) => option(name, { on: bare && name === model.base, aside: "untrained", run: () => this.pick({ base: name, adapter_run: "", adapter: "" }) });
    const taught = (one) => option(`${one.name}, step ${one.step}`, { on: one.run === model.adapter_run, aside: `${STAGES[one.stage]} of ${one.of}${one.full ? ", all weights" : ""}`, run: () => this.pick({ base: one.base, adapter_run: one.run, adapter: "" }) });
    const other = (close, words, ...asked) => el("button", { type: "button", class: "opt", onclick: () => { close(); this.folder("Start from", ...asked); } }, words);
    return this.menu("Start from", here, (close, { adapters, bases } = this.parts.overview()) => [adapters.length > 0 && options("Trained here", false, adapters.map(taught)), options("Models", false, [...new Set([...bases, model.base])].filter(Boolean).map(base)),
      other(close, "Another folder…", "Start from a folder", "Folder of a model on this machine", "models/Qwen2.5-Omni-7B", (path) => this.pick({ base: path, adapter_run: "", adapter: "" })),
      other(close, "Adapter folder…", "Go on from an adapter", `Folder of an adapter for ${model.base || "the base"}`, "models/my-adapter", (path) => this.pick({ adapter_run: "", adapter: path }))]);
  }

  setMenu() {
    const { model } = this, fitting = () => this.parts.overview().sets.filter((one) => model.stage === "sft" || one.stage === "dpo");
    const here = model.export || (this.parts.overview().sets.find(({ id }) => id === model.set)?.title ?? "choose pairs");
    return this.menu("Pairs", here, (close, fit = fitting()) => [fit.length === 0 && el("p", { class: "sm t3 opt-head" }, "No pairs yet. ", el("a", { href: "/pairs" }, "Build some")), options("Pairs", false, fit.map((one) => option(one.title, { on: one.id === model.set, aside: `${STAGES[one.stage] ?? ""} ${one.pairs}`, run: () => this.pick({ set: one.id, export: "" }) }))),
      el("button", { type: "button", class: "opt", onclick: () => { close(); this.folder("Pairs", "Pairs of a folder", "Folder of an export for TRL", "/data/exports/mix-trl", (path) => this.pick({ set: "", export: path })); } }, "Another folder…")]);
  }

  menu(name, here, fill) {
    const made = makeMenu({ name: `${name}: ${here}`, cls: "in pick", face: face("", here), title: here, fill });
    made.button.dataset.field = name;
    return made.node;
  }

  pick(choice) {
    Object.assign(this.model, choice, { waive: [] });
    this.changed(true);
  }

  // menu: whose button gets the focus back, for the one that opened this is drawn anew.
  folder(menu, title, words, placeholder, take) {
    const input = pathInput("", placeholder);
    const { closed } = formDialog(this.parts.root, { title, verb: "Take it", fields: labelled(words, input), send: async () => {
      if (!input.value.trim()) throw new Error("Write the path of the folder first.");
      take(input.value.trim());
      return true;
    } });
    closed.then(() => this.focus(menu));
  }

  // Everything else, as the recipe has it: lines that are taken out count as they stand there.
  more() {
    const { details } = this.parts, told = details()?.recipes.find(({ name }) => name === this.model.recipe), open = this.body.querySelector("details.more")?.open ?? false;
    const area = el("textarea", { class: "area", rows: "12", spellcheck: "false", "aria-label": "All other settings, YAML", "data-field": "yaml", placeholder: details() ? "" : "The recipe is being read…" }, this.model.rest ?? told?.rest ?? "");
    area.addEventListener("input", () => { this.model.rest = area.value; this.changed(); });
    this.again = el("button", { class: "btn q s", type: "button", onclick: () => { Object.assign(this.model, { fields: {}, rest: null }); this.changed(true); this.focus("yaml"); } }, "All as the recipe has it");
    return el("details", { class: "more", open }, el("summary", { class: "sm t2", "data-field": "more" }, "Loss, precision, freezing, devices, seed"), el("div", { class: "col g4y more1" }, this.devices(), area, el("div", { class: "row" }, el("span", { class: "sp" }), this.again)));
  }

  devices() {
    const able = this.parts.details()?.capability, { device } = this.parts.overview(), gpus = able?.gpus ?? [], all = [["cpu", "the processor"], ...gpus.map((gpu, at) => [String(at), `GPU ${at}: ${gpu.name}`]), ...(gpus.length > 1 ? [[gpus.map((_, at) => at).join(","), `all ${gpus.length} GPUs`]] : [])];
    const here = this.model.device ?? device;
    const pick = el("select", { class: "in s", "aria-label": "Runs on", onchange: () => { this.model.device = pick.value; this.changed(); } }, (all.some(([id]) => id === here) ? all : [[here, here || "no queue"], ...all]).map(([id, words]) => el("option", { value: id, selected: id === here }, words)));
    const on = el("input", { class: "in s mono", type: "text", "aria-label": "Cluster", placeholder: "this machine", title: "ray://HOST:PORT, http://HOST:8265 or slurm:PARTITION; it needs the workspace on a disk that it shares", autocomplete: "off", spellcheck: "false", maxlength: "120", value: this.model.on ?? "", onchange: () => { this.model.on = on.value.trim(); this.changed(); } });
    return el("div", { class: "row w sm dev1" }, el("span", { class: "t2" }, "Runs on"), pick, el("span", { class: "t2" }, "of"), on);
  }
}
