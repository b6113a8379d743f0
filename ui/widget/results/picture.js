// Plots as SVG files of their own: every colour written out as it is seen now, nothing asked for from anywhere. And the same as PNG.
import { CELLS, cellOf } from "./order.js";
import { TASKS, estimateOf, percent, points } from "./parts.js";

const COLOURS = ["bg", "surface", "text", "text-2", "text-3", "line", "ctl", "warn"];
const FONT = "Roboto, 'Noto Sans', 'Liberation Sans', Helvetica, Arial, sans-serif";
const NAME = 250, PLOT = 200, GAP = 24, RIGHT = 76, ROW = 26, HEAD = 64, EDGE = 16;

const escaped = (text) => String(text ?? "").replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

// The colours of the theme as the browser works them out.
export function palette(root, more = []) {
  const probe = document.createElement("i");
  root.append(probe);
  const found = Object.fromEntries([...COLOURS, ...more].map((name) => { probe.style.color = `var(--${name})`; return [name, getComputedStyle(probe).color]; }));
  probe.remove();
  return found;
}

export const text = (x, y, words, fill, more = "") => `<text x="${x}" y="${y}" fill="${fill}" ${more}>${escaped(words)}</text>`;
export const line = (x1, y1, x2, y2, stroke, more = "") => `<path d="M${x1.toFixed(2)} ${y1.toFixed(2)}L${x2.toFixed(2)} ${y2.toFixed(2)}" stroke="${stroke}" fill="none" ${more}/>`;
export const sheet = (width, height, colours, body) => `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}" font-size="12"><rect width="${width}" height="${height}" fill="${colours.surface}"/>${body.join("")}</svg>`;

// board: {parts, found, rows, tasks}. → {name, svg}
export function boardPicture({ parts, found, rows, tasks }) {
  const colours = palette(parts.root), left = (at) => EDGE + NAME + at * (PLOT + GAP), width = left(tasks.length) - GAP + RIGHT + EDGE;
  const groups = [[`Measured in this workspace, ${found.clips} clips`, rows, false], ["Published, not ranked with the rows above", found.published, true]].filter(([, all]) => all.length > 0);
  const body = [], height = HEAD + groups.reduce((sum, [, all]) => sum + ROW * (all.length + 1), 0) + EDGE;
  tasks.forEach((task, at) => {
    body.push(text(left(at), 26, TASKS[task].title, colours.text, 'font-weight="600"'), text(left(at), 42, `original ○ | ${TASKS[task].edited} ◆, %`, colours["text-3"]));
    for (const tick of [0, 50, 100]) body.push(text(left(at) + tick * PLOT / 100, HEAD - 6, tick, colours["text-3"], 'text-anchor="middle" font-size="10"'), line(left(at) + tick * PLOT / 100, HEAD, left(at) + tick * PLOT / 100, height - EDGE, colours.line));
    if (task === "sync" && found.floor) body.push(line(left(at) + found.floor.shifted * PLOT, HEAD, left(at) + found.floor.shifted * PLOT, HEAD + ROW * (rows.length + 1), colours.warn, 'stroke-width="1.5" stroke-dasharray="4 3"'));
  });
  body.push(text(width - EDGE, 26, "average gap", colours.text, 'text-anchor="end" font-weight="600"'), text(width - EDGE, 42, "points", colours["text-3"], 'text-anchor="end"'));
  let y = HEAD;
  for (const [title, all, published] of groups) {
    body.push(text(EDGE, y + 17, title, colours["text-3"]));
    y += ROW;
    for (const row of all) { body.push(...boardRow(row, y, { colours, left, tasks, published, end: width - EDGE })); y += ROW; }
  }
  return { name: "thud-leaderboard", svg: sheet(width, height, colours, body) };
}

function boardRow(row, y, { colours, left, tasks, published, end }) {
  const ink = published ? colours["text-2"] : colours.text, gap = estimateOf(row.gap), name = `${row.listener ?? row.name}${row.simulated ? " (simulated)" : ""}`;
  const out = [line(EDGE, y, end, y, colours.line), text(EDGE, y + 17, name.length > 36 ? `${name.slice(0, 35)}…` : name, ink, published ? "" : 'font-weight="600"'), text(end, y + 17, gap ? percent(gap.value) : "–", ink, 'text-anchor="end"')];
  tasks.forEach((task, at) => {
    const [original, edited] = CELLS[task].map((key) => cellOf(row, key)), across = (share) => left(at) + Math.min(1, Math.max(0, share)) * PLOT;
    if (!original && !edited) out.push(text(left(at) + 4, y + 17, row.why_not?.[task] || "not asked", colours["text-3"]));
    if (original) out.push(whisker(original, across, y + 8, colours["text-3"]), `<circle cx="${across(original.value).toFixed(2)}" cy="${y + 8}" r="3.5" fill="${colours.surface}" stroke="${ink}" stroke-width="1.5"/>`);
    if (edited) out.push(whisker(edited, across, y + 18, ink), `<path d="M${across(edited.value).toFixed(2)} ${y + 13}l5 5-5 5-5-5z" fill="${ink}"/>`);
  });
  return out;
}
export const whisker = (one, across, y, stroke) => (one.low === null || one.low === undefined ? "" : line(across(one.low), y, across(one.high), y, stroke));

// found: what /api/results/compare answers.
export function comparePicture({ root }, found) {
  const colours = palette(root), width = 760, plot = 360, x = 220, across = (value) => x + (Math.min(1, Math.max(-1, value)) + 1) / 2 * plot, height = 84 + ROW * found.cells.length + EDGE;
  const body = [text(EDGE, 26, `A ${found.a.listener}   B ${found.b.listener}`, colours.text, 'font-weight="600"'), text(EDGE, 46, `B − A, points right, 95 % interval; ${found.items} items, paired by clip`, colours["text-3"])];
  for (const tick of [-100, 0, 100]) body.push(text(across(tick / 100), 74, points(tick / 100, 0), colours["text-3"], 'text-anchor="middle" font-size="10"'), line(across(tick / 100), 80, across(tick / 100), height - EDGE, tick ? colours.line : colours.ctl));
  found.cells.forEach((cell, at) => {
    const y = 84 + at * ROW, one = estimateOf(cell.difference);
    body.push(text(EDGE, y + 17, cell.title, colours.text));
    if (one) body.push(whisker(one, across, y + 13, colours["text-3"]).replace("/>", ' stroke-width="4"/>'), line(across(one.value), y + 7, across(one.value), y + 19, colours.text, 'stroke-width="2"'), text(width - EDGE, y + 17, points(one.value), colours.text, 'text-anchor="end"'));
  });
  return { name: "thud-compare", svg: sheet(width, height, colours, body) };
}

export function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
export const saveSvg = ({ name, svg }) => save(`${name}.svg`, new Blob([svg], { type: "image/svg+xml" }));

// Drawn at twice its size, so that it is sharp in a slide.
export async function savePng({ name, svg }) {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" })), image = new Image();
  try {
    image.src = url;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth * 2, height: image.naturalHeight * 2 });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    save(`${name}.png`, await new Promise((done) => canvas.toBlob(done, "image/png")));
  } finally { URL.revokeObjectURL(url); }
}
