// Messages: bottom left, one at a time, six seconds; an error stays until it is closed. And the banner under the bar.
import { el, replace } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = 6000;
const GLYPH = { ok: "check", warn: "alert", bad: "x", info: "info" };
const queue = [];
let place = null, banner = null, timer = 0, shown = null;

export function initToasts(root) {
  place = root.querySelector("[data-part=toasts]");
  banner = root.querySelector("[data-part=banner]");
  for (const [name, hold] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) {
    place.addEventListener(name, () => { clearTimeout(timer); if (!hold) countDown(); });
  }
}

// action: {label, run}. Returns a function that takes the message away.
export function toast(text, { level = "ok", action = null, stays = level === "bad" } = {}) {
  const message = { text, level, action, stays };
  if (shown && !shown.stays) { queue.length = 0; queue.push(message); next(); }
  else { queue.push(message); if (!shown) next(); }
  return () => { const at = queue.indexOf(message); if (at >= 0) queue.splice(at, 1); if (shown === message) next(); };
}
export const fail = (error) => toast(error.message, { level: "bad" });

function countDown() {
  if (shown && !shown.stays) timer = setTimeout(next, SHOWN_MS);
}

function next() {
  clearTimeout(timer);
  shown = queue.shift() ?? null;
  if (!shown) { replace(place); return; }
  const { text, level, action } = shown;
  const act = action && el("button", { class: "btn s", onclick: () => { next(); action.run(); } }, action.label);
  replace(place, el("div", { class: `toast ${level}`, role: level === "bad" ? "alert" : null }, icon(GLYPH[level]), el("span", {}, text), act,
    el("button", { class: "btn q s i", "aria-label": "Close the message", onclick: next }, icon("x"))));
  countDown();
}

// One line under the bar for what goes on until it is mended (server away, disk full); null takes it away.
export function setBanner(text) {
  if (!banner || (banner.dataset.text ?? "") === (text ?? "")) return;
  banner.dataset.text = text ?? "";
  banner.hidden = !text;
  replace(banner, ...(text ? [icon("alert"), el("span", {}, text)] : []));
}
