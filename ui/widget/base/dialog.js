// A modal dialog on the native element: it traps the focus, closes with Esc and gives the focus back to where it was.
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { pushScope } from "./keys.js";

// parts: {title, lead, body, foot, label?, cls?, onclose?}. Returns {node, close, closed: Promise}.
export function openDialog(root, { title, lead = null, body, foot = null, cls = "", onclose = null, keys = [] }) {
  const before = document.activeElement;
  const controller = new AbortController();
  const node = el("dialog", { class: `dlg panel ${cls}`, "aria-labelledby": "dialog-title" },
    el("div", { class: "ph" }, el("h1", { id: "dialog-title" }, title), lead, el("span", { class: "sp" }),
      el("button", { class: "btn q i", type: "button", "aria-label": "Close", onclick: () => shut() }, icon("x"))),
    body, foot);
  root.append(node);
  const pop = pushScope(keys, { modal: true });
  let end;
  const closed = new Promise((done) => { end = done; });
  let open = true;
  // At once, not with the browser's later "close": a key pressed right after Esc belongs to the page already.
  const finish = () => {
    if (!open) return;
    open = false;
    pop();
    controller.abort();
    node.remove();
    onclose?.();
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    end();
  };
  const shut = () => { node.close(); finish(); };
  node.addEventListener("close", finish);
  node.addEventListener("cancel", (event) => { event.preventDefault(); shut(); });
  node.addEventListener("pointerdown", (event) => { if (event.target === node) shut(); });
  node.showModal();
  return { node, close: shut, closed, signal: controller.signal };
}

// The key that sends a dialog, as this machine writes it.
export const submitKey = () => el("kbd", { "aria-hidden": "true" }, /Mac|iP(hone|ad)/.test(navigator.platform) ? "⌘ ↵" : "Ctrl ↵");
export const closeDialogs = (root) => root.querySelectorAll("dialog[open]").forEach((node) => node.close());
