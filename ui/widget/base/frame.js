// What every page has in common: how it starts and moves into Gradio's component, and who is signed in.
import { get } from "./api.js";

const ROLES = ["annotator", "researcher", "admin"];

// build(root) draws the page in the HTML that the server sends, before Gradio's own code has loaded; `mount` is called by boot.js
// when Gradio's component is there: the running page moves into it, with its state. Gradio keeps its components hidden for some
// frames; moving earlier would blank the page and drop the focus.
export function makePage(build) {
  let started = null;
  const start = (root) => (started ??= build(root));
  function mount({ element }) {
    const root = document.getElementById("thud");
    start(root);
    if (!element.checkVisibility({ visibilityProperty: true })) { requestAnimationFrame(() => mount({ element })); return; }
    if (element.moveBefore) element.moveBefore(root, null);
    else element.append(root);
    performance.mark("thud-mount");
  }
  return { start, mount };
}

// The workspace's name in the bar.
export function nameWorkspace(root, name) {
  const chip = root.querySelector("[data-part=workspace]");
  chip.textContent = `${name} workspace`;
  chip.hidden = !name;
}

// The account in the bar, and only the pages that it may use. Resolves with {name, role, signed_in, …}.
export async function initAccount(root) {
  const me = await get("/api/me");
  const link = root.querySelector("[data-part=account]");
  link.textContent = me.name;
  link.hidden = !me.signed_in;
  root.classList.toggle("no-making", me.role === "annotator"); // an annotator's page has no buttons that would be refused
  for (const page of root.querySelectorAll("[data-least]")) page.hidden = ROLES.indexOf(me.role) < ROLES.indexOf(page.dataset.least);
  return me;
}
