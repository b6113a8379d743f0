// Settings of this workspace: one line each on what they do, checked before they are sent, with who changed what.
import { get, post } from "../base/api.js";
import { el, replace } from "../base/dom.js";
import { panel, when } from "./parts.js";
import { toast } from "../base/toast.js";

// share: kept as a part of one, shown in per cent. A name that is not here is shown by itself.
const WORDS = {
  eps_visual_s: { title: "Picture marks agree within", unit: "s", step: "0.05", words: "Gemini, GPT and Claude must lie this close for a clip to be kept without a person. The paper takes 0.8 s." },
  eps_audio_s: { title: "Sound marks agree within", unit: "s", step: "0.05", words: "Gemini and a person must lie this close. The paper takes 0.5 s." },
  people_eps_s: { title: "Two people agree within", unit: "s", step: "0.01", words: "Further apart, in picture or sound, and a third person decides." },
  accept_spread_s: { title: "Sure enough without a person", unit: "s", step: "0.01", words: "A consensus with this spread or less, in picture and sound, needs nobody; it counts once 40 clips are marked. 0: people look at all." },
  blind: { title: "Blind first mark", words: "Models' marks show only after a person has set both own times, so that nobody is led." },
  double_share: { title: "Marked by two people", unit: "%", step: "1", share: true, words: "Share of clips that two people mark without seeing each other. They tell how far people agree." },
  random_share: { title: "Drawn at random", unit: "%", step: "1", share: true, words: "Share of the queue that is drawn blindly, from clips that models agree on too. It keeps the estimates unbiased." },
  gold_share: { title: "Known clips in the queue", unit: "%", step: "1", share: true, words: "Share of a person's clips whose times are known. They look like any other and measure lag and spread." },
  seed: { title: "Seed", unit: "", step: "1", words: "Which clips the shares fall on. Change it only to draw anew." },
};

export async function show(parts) {
  const found = await get("/api/admin/settings", { signal: parts.signal });
  if (parts.alive()) draw(parts, found);
}

function draw(parts, found) {
  const said = el("p", { class: "sm bad", role: "alert" });
  const save = el("button", { class: "btn p", type: "submit", form: "settings", disabled: true }, "Save the settings");
  const rows = found.settings.map((setting) => line(setting, refresh));
  function refresh() {
    save.disabled = !rows.some((row) => row.changed()) || rows.some((row) => row.wrong());
    said.textContent = "";
  }
  const form = el("form", { id: "settings", class: "adm-settings", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (save.disabled) return;
    save.disabled = true;
    try {
      const next = await post("/api/admin/settings", Object.fromEntries(rows.filter((row) => row.changed()).map((row) => [row.name, row.value()])));
      toast(next.changed.length === 1 ? "One setting is changed." : `${next.changed.length} settings are changed.`);
      if (parts.alive()) draw(parts, next);
    } catch (error) { said.textContent = error.message; save.disabled = false; }
  } }, rows.map((row) => row.node));
  replace(parts.tools, said, save);
  replace(parts.body, el("div", { class: "adm-two" }, panel("Settings of this workspace", { lead: "they count from the next clip on" }, form), panel("Who changed what", {}, history(found.history))));
}

function line({ name, value, default: usual, limits }, onchange) {
  const about = WORDS[name] ?? { title: name, words: "" }, factor = about.share ? 100 : 1;
  const shown = (each) => (typeof each === "boolean" ? (each ? "on" : "off") : `${clean(each * factor)} ${about.unit ?? ""}`.trim());
  const id = `set-${name}`, wrong = el("span", { class: "sm bad", role: "alert" });
  const input = typeof value === "boolean" ? el("input", { type: "checkbox", id, "aria-describedby": `${id}-words` })
    : el("input", { class: "in", id, inputmode: "decimal", autocomplete: "off", "aria-describedby": `${id}-words`, value: clean(value * factor) });
  if (typeof value === "boolean") input.checked = value;
  const read = () => (typeof value === "boolean" ? input.checked : readNumber(input.value) / factor);
  const fault = () => (typeof value === "boolean" ? null : problem(read(), limits, factor, about));
  input.addEventListener("input", () => {
    wrong.textContent = fault() ?? "";
    input.setAttribute("aria-invalid", String(Boolean(fault())));
    onchange();
  });
  const differs = value !== usual && el("span", { class: "chip" }, `delivered as ${shown(usual)}`);
  const node = el("div", { class: "adm-set" }, el("label", { for: id }, about.title), el("span", { class: "row" }, input, about.unit && el("span", { class: "t3" }, about.unit), differs), el("p", { class: "sm t3", id: `${id}-words` }, about.words), wrong);
  return { name, node, value: read, wrong: () => fault() !== null, changed: () => (Number.isNaN(read()) ? true : Math.abs(Number(read()) - Number(value)) > 1e-9) };
}

const clean = (value) => String(Number(value.toFixed(6)));
// "0,8" is how half of the world writes 0.8.
const readNumber = (text) => (/^\s*\d+([.,]\d+)?\s*$/.test(text) ? Number(text.trim().replace(",", ".")) : NaN);

function problem(value, limits, factor, about) {
  const [low, high] = limits ?? [-Infinity, Infinity];
  return Number.isFinite(value) && value >= low - 1e-9 && value <= high + 1e-9 ? null : `A number from ${clean(low * factor)} to ${clean(high * factor)}${about.unit ? ` ${about.unit}` : ""}.`;
}

function history(events) {
  if (!events.length) return el("div", { class: "empty" }, el("p", { class: "sm" }, "Nobody has changed anything yet."));
  return el("ol", { class: "adm-history" }, events.map((event) => {
    const about = WORDS[event.name] ?? { title: event.name };
    const value = typeof event.value === "boolean" ? (event.value ? "on" : "off") : `${clean(Number(event.value) * (about.share ? 100 : 1))} ${about.unit ?? ""}`.trim();
    return el("li", {}, el("span", {}, el("b", {}, about.title), ` ${value}`), el("span", { class: "sm t3" }, `${event.actor}, ${when(event.at)}`));
  }));
}
