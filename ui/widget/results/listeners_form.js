// The form for one listener: new, edited or cloned. Which fields there are follows from the backend; what is wrong, the server says.
import { post } from "../base/api.js";
import { submitKey } from "../base/dialog.js";
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";

const EMPTY = { name: "", backend: "compatible", model: "", base_url: "", key_env: "", adapter: "", four_bit: false, transport: "video_url+audio_url", fps: 2, max_frames: 64, width: 448, max_tokens: 512,
  temperature: null, seed: null, effort: "", arms: ["audio_video"], at_once: 4, per_minute: 60, batch_size: 1 };
const EFFORTS = ["", "none", "minimal", "low", "medium", "high", "xhigh", "max"];
const MAY_BE_EMPTY = ["temperature", "seed"];
const LABELS = {
  name: ["Name", "as tables show it"], model: ["Model", "its exact name, as its server writes it"], base_url: ["Address of the server", "empty: the vendor’s own"],
  key_env: ["Variable that holds the key", "its name, such as GEMINI_API_KEY; never the key"], adapter: ["Adapter", "folder of a LoRA; empty: none"], four_bit: ["Load in 4 bits", "less memory, other answers"],
  fps: ["Pictures a second", ""], max_frames: ["Pictures at most", "of one clip"], width: ["Longest side", "pixels"], max_tokens: ["Longest answer", "tokens, thoughts included"], temperature: ["Temperature", "empty: not sent"],
  seed: ["Seed", "empty: not sent"], effort: ["Effort", "how long it may think"], at_once: ["At once", "requests"], per_minute: ["A minute", "requests"], batch_size: ["Batch", "items at a time"],
};
const PARTS = [["Where", ["model", "base_url", "key_env", "transport", "adapter", "four_bit"]], ["What it is given, and how it answers", ["fps", "max_frames", "width", "max_tokens", "temperature", "seed", "effort"]], ["Pace: changes no answer", ["at_once", "per_minute", "batch_size"]]];
const WIDE = ["model", "base_url", "key_env", "adapter", "transport"];

function begin(row, way) {
  if (!row) return { ...EMPTY };
  return { ...row.settings, name: way === "clone" ? `${row.name.slice(0, 58)} copy` : row.name };
}

// What stands in a field, as the server wants it; what is no number goes as it is, and the server says what it should be.
const read = (name, text) => {
  if (typeof EMPTY[name] !== "number" && !MAY_BE_EMPTY.includes(name)) return text;
  if (text === "" && MAY_BE_EMPTY.includes(name)) return null;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
};

// way: add, edit or clone. Returns {node, focus, submit, key: where the focus goes back to}.
export function makeListenerForm({ found, row, way, onsaved, oncancel }) {
  const values = begin(row, way), inputs = {};
  const said = el("p", { class: "sm bad", role: "alert" }), fields = el("div", { class: "ask-fields" });
  const save = el("button", { class: "btn p", type: "submit", "aria-keyshortcuts": "Control+Enter" }, "Save ", submitKey());
  const backend = () => found.backends.find(({ id }) => id === values.backend);
  const hears = () => backend().hears && !(backend().fields.includes("transport") && !found.transports.find(({ id }) => id === values.transport).hears);

  function field(name) {
    const [label, hint] = LABELS[name];
    const folder = values.backend === "local" && name === "model", needed = name === "base_url" && values.backend === "compatible";
    const words = folder ? "folder of its weights" : needed ? "such as http://127.0.0.1:8000/v1" : hint;
    if (name === "four_bit") {
      const box = el("input", { type: "checkbox", onchange: () => { values.four_bit = box.checked; } });
      box.checked = values.four_bit;
      return el("label", { class: "fl" }, box, label, el("span", { class: "sm t3" }, words));
    }
    const input = el("input", { class: "in", value: String(values[name] ?? ""), spellcheck: "false", autocomplete: "off", maxlength: "600", inputmode: typeof EMPTY[name] === "number" || MAY_BE_EMPTY.includes(name) ? "decimal" : null,
      oninput: () => { values[name] = read(name, input.value.trim()); input.removeAttribute("aria-invalid"); } });
    inputs[name] = input;
    return labelled(name, label, words, input);
  }

  function choice(name, label, options, hint, changed = () => {}) {
    const input = el("select", { class: "in", onchange: () => { values[name] = input.value; changed(); } }, options.map(([value, words]) => el("option", { value, selected: value === values[name] }, words)));
    inputs[name] = input;
    return labelled(name, label, hint, input);
  }

  function labelled(name, label, hint, input) {
    input.setAttribute("aria-label", label);
    input.setAttribute("aria-describedby", `ask-hint-${name}`);
    return el("label", { class: `ask-field${WIDE.includes(name) ? " wide-field" : ""}` }, el("span", { class: "row g4x" }, el("span", { class: "t2" }, label), el("code", { class: "mono t3" }, name)), input,
      el("span", { class: "xs t3", id: `ask-hint-${name}` }, hint || "\u00a0"));
  }

  const one = (name) => (name === "transport" ? choice(name, "How picture and sound are sent", found.transports.map(({ id, title, words }) => [id, `${title} (${words})`]), "what its server takes", draw)
    : name === "effort" ? choice(name, "Effort", EFFORTS.map((each) => [each, each || "not told"]), LABELS.effort[1]) : field(name));

  function arms() {
    const allowed = hears() ? found.arms.map(({ id }) => id) : ["picture_only"];
    values.arms = values.arms.filter((arm) => allowed.includes(arm));
    if (!values.arms.length) values.arms = allowed.slice(0, 1);
    return el("fieldset", { class: "ask-arms" }, el("legend", { class: "t2" }, "Asked in these arms by itself ", el("code", { class: "mono t3" }, "arms")), el("div", { class: "row w g12" }, found.arms.map((arm) => {
      const box = el("input", { type: "checkbox", disabled: !allowed.includes(arm.id), onchange: () => { values.arms = box.checked ? [...values.arms, arm.id] : values.arms.filter((each) => each !== arm.id); } });
      box.checked = values.arms.includes(arm.id);
      return el("label", { class: `fl${box.disabled ? " off" : ""}`, title: arm.words }, box, arm.title);
    })), hears() ? null : el("p", { class: "sm t3" }, "Picture only: it takes no sound."));
  }

  // Drawn anew when the backend or the transport changes; what was typed stays, and so does the focus.
  function draw() {
    const held = Object.keys(inputs).find((name) => inputs[name] === document.activeElement);
    const has = (name) => backend().fields.includes(name);
    const backends = found.backends.map(({ id, title }) => [id, id === "local" ? "A model on this machine" : title]);
    replace(fields, el("div", { class: "ask-grid" }, field("name"), choice("backend", "Backend", backends, "whose door it is behind", draw)),
      PARTS.map(([title, names]) => ({ title, shown: names.filter(has) })).filter(({ shown }) => shown.length).flatMap(({ title, shown }) => [el("h3", {}, title), el("div", { class: "ask-grid" }, shown.map(one))]), arms());
    if (held) inputs[held]?.focus();
  }

  // The server's sentence names the field first; that one is marked.
  function wrong(error) {
    said.textContent = error.message;
    const name = Object.keys(inputs).find((each) => error.message.startsWith(`${each} `) || error.message.startsWith(`${each}:`)) ?? (/\bname\b/.test(error.message) ? "name" : null);
    for (const [each, input] of Object.entries(inputs)) input.toggleAttribute("aria-invalid", false), each === name && input.setAttribute("aria-invalid", "true");
    (inputs[name] ?? save).focus();
  }

  async function submit() {
    if (save.disabled) return;
    said.textContent = "";
    save.disabled = true;
    const listener = Object.fromEntries(["name", "backend", "arms", ...backend().fields].map((name) => [name, values[name]]));
    try { await onsaved(await post("/api/listeners/save", { listener, was: way === "edit" && row.owner === "yours" ? row.name : "" })); } catch (error) { wrong(error); }
    save.disabled = false;
  }

  draw();
  const node = el("form", { class: "ask-form", novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(); } }, el("div", { class: "pb col g12 ask-scroll" }, fields,
    el("div", { class: "note" }, icon("info"), el("span", {}, "Whatever changes an answer makes another row in Results. Answers that are there stay as they are."))),
  el("div", { class: "ph end" }, said, el("span", { class: "sp" }), el("button", { class: "btn q", type: "button", onclick: oncancel }, "Back ", el("kbd", { "aria-hidden": "true" }, "Esc")), save));
  return { node, submit, key: way, focus: () => { inputs.name.focus(); inputs.name.select(); } };
}
