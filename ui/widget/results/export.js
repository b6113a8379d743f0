// What can be taken away: the numbers as CSV or LaTeX, a report that opens without a server, the plot as SVG or PNG, and the address.
import { copy } from "../base/clipboard.js";
import { el } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { action, makeMenu } from "./menu.js";
import { savePng, saveSvg } from "./picture.js";
import { viewQuery } from "./state.js";
import { fail } from "../base/toast.js";

const FILES = { csv: "Numbers, CSV", tex: "Table, LaTeX", html: "Report, one HTML file" };

// view: {state(), picture(): {name, svg, title?}, several of them, or null}.
export function makeExport(view) {
  const face = [icon("down"), el("span", { class: "full" }, "CSV, SVG, LaTeX")];
  return makeMenu({ name: "Export", cls: "btn", face, right: true, fill: (close) => [
    ...Object.entries(FILES).filter(([kind]) => kind !== "tex" || view.state().view === "leaderboard").map(([kind, words]) => el("a", { class: "opt", href: fileOf(kind, view.state()), download: "", onclick: () => close() }, words)),
    ...[view.picture() ?? []].flat().flatMap((picture) => [["SVG", saveSvg], ["PNG", savePng]].map(([words, save]) => action(`${picture.title ?? "Plot"}, ${words}`, () => { close(); taking(save, picture); }))),
    el("hr", { class: "rule" }), action("Copy the link to this view", () => { close(); copyLink(); }),
  ] });
}

const fileOf = (kind, state) => `/api/results/export?${new URLSearchParams([["kind", kind], ...new URLSearchParams(viewQuery({ ...state, view: "" })), ["view", state.view]])}`;

async function taking(save, picture) {
  try { await save(picture); } catch (cause) { fail(new Error("The picture could not be made in this browser. The SVG may work, or the CSV.", { cause })); }
}

export const copyLink = (address = location.href) => copy(new URL(address, location.href).href, "The link is copied.");
