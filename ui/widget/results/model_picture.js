// The figures of one listener as SVG files of their own: axes, panels, matrix, accuracy over offset, sound classes.
import { labelWord, estimateOf, interval, percent, plural } from "./parts.js";
import { whyNot } from "./answers.js";
import { line, palette, sheet, text, whisker } from "./picture.js";
import { DASHES, linesOf, minus, peopleOf, spanOf } from "./curve.js";

const EDGE = 16, ROW = 26, HEAD = 68, WIDTH = 760, LINE = 18;
const MORE = ["accent", "early", "delayed", "raised", "bad", "on-accent"];
// Each look as a pattern of its own: [ground, ink, path], on 6 × 6 units.
const PATTERNS = { as_synced: ["bad", "surface", "M-1 7L7 -1M-1 1L1 -1M5 7L7 5"], as_shifted: ["delayed", "surface", "M2 0V6M5 0V6"], "as_shifted alt": ["delayed", "surface", "M0 2H6M0 5H6"],
  other: ["surface", "text-3", "M1 1h1M4 4h1"], "other alt": ["surface", "text-3", "M0 0L6 6M6 0L0 6"], false_shift: ["early", "surface", "M-1 -1L7 7M-1 5L1 7M5 -1L7 1"] };
const lookOf = (segments, segment) => `${segment.look}${segments.find(({ look }) => look === segment.look) === segment ? "" : " alt"}`;
const idOf = (look) => `p-${look.replace(/\W/g, "-")}`;

// → [{name, title, svg}], one per figure that has anything in it.
export function modelPictures({ root }, found, matrix) {
  const draw = { colours: palette(root, MORE), head: found.head };
  return [axesPicture(draw, found.axes.map((axis) => ({ ...axis, missing: whyNot(axis, found) }))), panelsPicture(draw, found.panels), matrix && matrixPicture(draw, matrix), found.offsets.points.length > 0 && curvePicture(draw, found.offsets), found.kinds.length > 0 && kindsPicture(draw, found.kinds)].filter(Boolean);
}

const file = ({ colours, head }, name, title, height, body) => ({ name: `thud-${head.listener.replace(/[^\w.-]+/g, "-")}-${name}`, title, svg: sheet(WIDTH, height, colours,
  [text(EDGE, 28, title, colours.text, 'font-weight="600" font-size="13"'), text(EDGE, 46, `${head.listener}${head.simulated ? " (simulated)" : ""}, ${plural(head.items, "item")}`, colours["text-3"]), ...body]) });
const box = (x, y, width, height, fill, more = "") => `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${Math.max(0, width).toFixed(2)}" height="${height}" fill="${fill}" ${more}/>`;

// Names left, an estimate with its interval on 0 to 100, the number right.
function estimates({ colours }, rows, name, top = HEAD) {
  const left = 300, plot = 270, across = (share) => left + Math.min(1, Math.max(0, share)) * plot, end = top + rows.length * ROW;
  const ticks = [0, 50, 100].flatMap((tick) => [text(across(tick / 100), top - 4, tick, colours["text-3"], 'text-anchor="middle" font-size="10"'), line(across(tick / 100), top, across(tick / 100), end, colours.line)]);
  return [...ticks, ...rows.flatMap((row, at) => {
    const one = estimateOf(row), y = top + at * ROW, words = one ? `${percent(one.value)}${interval(one) && ` (${interval(one)})`}, n ${one.n}` : row.missing;
    return [text(EDGE, y + 17, name(row), colours.text), one && whisker(one, across, y + 13, colours["text-3"]).replace("/>", ' stroke-width="4"/>'), one && line(across(one.value), y + 6, across(one.value), y + 20, colours.text, 'stroke-width="2"'),
      text(WIDTH - EDGE, y + 17, words, one ? colours.text : colours["text-3"], 'text-anchor="end"')].filter(Boolean);
  })];
}

const axesPicture = (draw, axes) => file(draw, "axes", "Eight ways to fail", HEAD + axes.length * ROW + EDGE, estimates(draw, axes, ({ title, words }) => `${title}: ${words}`));
const kindsPicture = (draw, kinds) => file(draw, "classes", "By sound class", HEAD + kinds.length * ROW + EDGE, estimates(draw, kinds, ({ kind }) => kind || "no class"));

function panelsPicture(draw, panels) {
  const { colours } = draw, body = [`<defs>${Object.entries(PATTERNS).map(([look, [ground, ink, d]]) => `<pattern id="${idOf(look)}" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="${colours[ground]}"/><path d="${d}" stroke="${colours[ink]}" stroke-width="1.5" fill="none"/></pattern>`).join("")}</defs>`];
  let y = HEAD;
  for (const panel of panels) {
    body.push(text(EDGE, y + 12, `${panel.title}, ${plural(panel.of, "item")}`, colours.text, 'font-weight="600"'));
    y += ROW;
    for (const row of panel.rows.filter(({ segments }) => segments.some(({ share }) => share))) { body.push(...panelRow(colours, row, y)); y += ROW; }
    const seen = panel.rows[0].segments.filter((_, at) => panel.rows.some((row) => row.segments[at]?.share > 0));
    seen.forEach((segment, at) => body.push(patch(colours, panel.rows[0].segments, segment, EDGE + (at % 4) * 180, y + Math.floor(at / 4) * LINE, 16, 12), text(EDGE + 22 + (at % 4) * 180, y + 10 + Math.floor(at / 4) * LINE, segment.title, colours["text-2"])));
    y += Math.ceil(seen.length / 4) * LINE + ROW;
  }
  return file(draw, "panels", "Muted, swapped, shifted", y, body);
}

function panelRow(colours, row, y) {
  const left = 230, plot = WIDTH - left - EDGE, total = row.segments.reduce((sum, { share }) => sum + (share ?? 0), 0);
  const out = [text(EDGE, y + 14, row.listener, row.current ? colours.text : colours["text-2"], row.current ? 'font-weight="600"' : "")];
  let x = left;
  for (const segment of row.segments.filter(({ share }) => share > 0)) {
    const width = segment.share / total * plot;
    out.push(patch(colours, row.segments, segment, x, y, width - 1, 20));
    if (width > 26) out.push(box(x + width / 2 - 11, y + 3, 22, 14, colours.surface, 'rx="2" fill-opacity=".85"'), text((x + width / 2).toFixed(1), y + 14, percent(segment.share, 0), colours.text, 'text-anchor="middle" font-size="11"'));
    x += width;
  }
  return out;
}

function patch(colours, segments, segment, x, y, width, height) {
  const look = lookOf(segments, segment), plain = { right: [colours.accent], right_shift: [colours.accent, 'fill-opacity=".5"'], absent: [colours.surface, `stroke="${colours.ctl}" stroke-dasharray="3 2"`] }[segment.look];
  return plain ? box(x, y, width, height, ...plain) : box(x, y, width, height, `url(#${idOf(PATTERNS[look] ? look : "other")})`);
}

function matrixPicture(draw, { task, columns, rows }) {
  const { colours } = draw, left = 120, step = (WIDTH - left - EDGE) / (columns.length + 1), middle = (at) => left + (at + 0.5) * step;
  const body = [...columns.map(({ label }, at) => text(middle(at), HEAD + 10, labelWord(label), colours["text-3"], 'text-anchor="middle" font-size="10"')), text(middle(columns.length), HEAD + 10, "n", colours["text-3"], 'text-anchor="middle" font-size="10"')];
  rows.forEach((row, at) => {
    const y = HEAD + 20 + at * ROW;
    body.push(text(EDGE, y + 17, row.condition, colours.text), text(middle(columns.length), y + 17, row.n, colours["text-3"], 'text-anchor="middle"'));
    row.cells.forEach((cell, column) => body.push(box(left + column * step, y, step - 1, ROW - 1, colours.accent, `fill-opacity="${(0.5 * cell.count / (row.n || 1)).toFixed(3)}"${cell.right ? ` stroke="${colours.accent}" stroke-width="2"` : ""}`),
      text(middle(column), y + 17, cell.count, colours.text, `text-anchor="middle"${cell.right ? ' font-weight="600"' : ""}`)));
  });
  return file(draw, `answers-${task}`, "What it answered", HEAD + 20 + rows.length * ROW + EDGE, body);
}

function curvePicture(draw, offsets) {
  const { colours } = draw, { limit_s, ticks } = spanOf(offsets), left = 60, top = HEAD, tall = 300, wide = WIDTH - left - 40, x = (at_s) => left + (at_s / limit_s + 1) / 2 * wide, y = (share) => top + (1 - Math.min(1, Math.max(0, share))) * tall, people = peopleOf(offsets);
  const path = (points, stroke, dash) => `<path d="${points.map(([a, b], at) => `${at ? "L" : "M"}${x(a).toFixed(2)} ${y(b).toFixed(2)}`).join("")}" fill="none" stroke="${stroke}" stroke-width="1.75"${dash ? ` stroke-dasharray="${dash}"` : ""}/>`;
  const body = [0, 25, 50, 75, 100].flatMap((tick) => [line(left, y(tick / 100), left + wide, y(tick / 100), tick ? colours.line : colours.ctl), text(left - 8, y(tick / 100) + 4, tick, colours["text-3"], 'text-anchor="end" font-size="11"')]);
  body.push(...ticks.map(({ at_s, words }) => text(x(at_s), top + tall + 18, words, colours["text-3"], 'text-anchor="middle" font-size="11"')), text(left + wide / 2, top + tall + 40, "offset in s; early is sound before picture. Right direction, %", colours["text-3"], 'text-anchor="middle" font-size="11"'));
  if (offsets.floor !== null && offsets.floor !== undefined) body.push(line(left, y(offsets.floor), left + wide, y(offsets.floor), colours.warn, 'stroke-width="1.5" stroke-dasharray="4 3"'), text(left + 4, y(offsets.floor) - 5, `sound only, shifted ${percent(offsets.floor)}`, colours.warn, 'font-size="11"'));
  if (people) body.push(...linesOf(people.points).map((points) => path(points.map(({ offset_s, value }) => [offset_s, value]), colours["text-3"], "2 4")), text(left + wide, top - 8, "people, dotted", colours["text-2"], 'text-anchor="end" font-size="11"'));
  body.push(...offsets.curves.map(({ direction, points }) => path(points, colours[direction], DASHES[direction])), ...offsets.points.flatMap((point) => mark(colours, point, x(point.offset_s), y)), ...(offsets.original ? mark(colours, { ...offsets.original, direction: "original" }, x(0), y) : []));
  offsets.curves.forEach(({ words }, at) => body.push(text(EDGE, top + tall + 64 + at * LINE, `Threshold: ${minus(words)}`, colours["text-2"], 'font-size="11"')));
  return file(draw, "offsets", "Accuracy over offset", top + tall + 64 + offsets.curves.length * LINE + EDGE, body);
}

function mark(colours, point, x, y) {
  const at = y(point.value), reach = interval(point) && line(x, y(point.low), x, y(point.high), colours["text-3"]);
  const shape = { early: `<circle cx="${x.toFixed(2)}" cy="${at.toFixed(2)}" r="4" fill="${colours.early}"/>`, delayed: `<path d="M${x.toFixed(2)} ${(at - 5).toFixed(2)}l5 5-5 5-5-5z" fill="${colours.delayed}"/>` }[point.direction];
  return [reach, shape ?? `<circle cx="${x.toFixed(2)}" cy="${at.toFixed(2)}" r="4" fill="${colours.surface}" stroke="${colours.text}" stroke-width="1.5"/>`].filter(Boolean);
}
