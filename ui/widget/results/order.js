// The order of the leaderboard's rows, as plain values: by any column, unknown last. No page here.
import { estimateOf } from "./parts.js";

// A cell of the paired table: side is "original" or "edited".
export const CELLS = { sync: ["sync_original", "sync_shifted"], existence: ["existence_original", "existence_muted"], consistency: ["consistency_original", "consistency_swapped"] };
export const cellOf = (row, key) => estimateOf(row.cells?.[key]);
const cell = (key, title) => [key, { title, of: (row) => cellOf(row, key)?.value ?? null }];
const share = (name) => (row) => estimateOf(row[name])?.value ?? null;

// words: the listener's name goes by letters. down: the larger first, when a column is first pressed.
export const SORTS = {
  gap: { title: "average gap", of: share("gap") },
  listener: { title: "listener", of: (row) => (row.listener ?? row.name).toLowerCase() },
  ...Object.fromEntries([cell("sync_original", "sync, original"), cell("sync_shifted", "sync, shifted"), cell("existence_original", "existence, original"), cell("existence_muted", "existence, muted"),
    cell("consistency_original", "consistency, original"), cell("consistency_swapped", "consistency, swapped")].map(([key, sort]) => [key, { ...sort, down: true }])),
  dprime: { title: "d′", of: share("dprime"), down: true },
  no_answer: { title: "no answer", of: share("no_answer") },
  alike: { title: "sync, classes alike", of: share("alike"), down: true },
};

// rows as `sort` ("gap", "-three", …) wants them; "" leaves the server's order, which ranks by gap.
export function ordered(rows, sort) {
  const by = SORTS[sort.replace(/^-/, "")];
  if (!by || sort === "") return rows;
  const sign = sort.startsWith("-") ? -1 : 1, keyed = rows.map((row, at) => ({ row, at, key: by.of(row) }));
  const known = keyed.filter(({ key }) => key !== null), rest = keyed.filter(({ key }) => key === null);
  known.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : a.at - b.at));
  return [...known, ...rest].map(({ row }) => row);
}

// What pressing a column's head asks for: first its usual direction, then the other.
export function pressed(key, sort) {
  const now = sort || "gap", first = SORTS[key].down ? `-${key}` : key, other = SORTS[key].down ? key : `-${key}`;
  const next = now === first ? other : first;
  return next === "gap" ? "" : next;
}
