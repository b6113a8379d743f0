// What the gallery shows, as plain values: read from the address, written to it, applied to cards. No page here.
export const STATES = {
  verified: "All verified", waiting: "Wait for event times", refused: "Some refused", damaged: "Damaged", none: "Not built yet",
};
export const TIMES = {
  gold: "Gold", adjudicated: "Adjudicated", consensus: "Consensus", agreement: "Agreement", manifest: "From a manifest",
  construction: "By construction", none: "None yet",
};
export const GROUPS = ["state", "times", "kind"];
export const NO_KIND = "none";
const ID_PART = 4;

const valueOf = {
  state: (card) => card.state,
  times: (card) => card.times_from ?? "none",
  kind: (card) => card.kind || NO_KIND,
};

export const needsLook = (card) =>
  card.state === "refused" || card.state === "damaged" || card.conditions.some((c) => c.failed > 0);

export function readFilters(search) {
  const params = new URLSearchParams(search);
  const filters = { q: params.get("q") ?? "", look: params.get("look") === "1", view: params.get("view") === "table" ? "table" : "grid" };
  for (const group of GROUPS) filters[group] = params.getAll(group);
  return filters;
}

export function writeFilters(filters) {
  const params = new URLSearchParams();
  if (filters.q) params.set("q", filters.q);
  for (const group of GROUPS) for (const value of filters[group]) params.append(group, value);
  if (filters.look) params.set("look", "1");
  if (filters.view === "table") params.set("view", "table");
  return params;
}

export const anyFilter = (filters) => Boolean(filters.q || filters.look || GROUPS.some((group) => filters[group].length));
export const noFilter = (view) => ({ q: "", look: false, view, state: [], times: [], kind: [] });

// An id is found by its beginning, as people paste it: "30" anywhere in sixteen hex digits would be chance.
function found(card, words) {
  const text = `${card.title} ${card.name} ${card.kind}`.toLowerCase();
  return words.every((word) => text.includes(word) || (word.length >= ID_PART && card.id.startsWith(word)));
}
const wordsOf = (q) => q.toLowerCase().split(/\s+/).filter(Boolean);

export function select(cards, filters) {
  const words = wordsOf(filters.q);
  return cards.filter((card) =>
    found(card, words) && (!filters.look || needsLook(card))
    && GROUPS.every((group) => !filters[group].length || filters[group].includes(valueOf[group](card))));
}

// How many cards each value of a group would show, given what the other groups let through.
export function counts(cards, filters, group) {
  const tally = new Map();
  for (const card of cards) tally.set(valueOf[group](card), 0);
  for (const card of select(cards, { ...filters, [group]: [] })) {
    const value = valueOf[group](card);
    tally.set(value, tally.get(value) + 1);
  }
  for (const value of filters[group]) if (!tally.has(value)) tally.set(value, 0);
  return tally;
}

// The best few cards for what was typed: names that begin so, then names that hold it, then anything else.
export function jumpTo(cards, q, limit = 8) {
  const words = wordsOf(q);
  if (!words.length) return [];
  const rank = (card) => (card.name.toLowerCase().startsWith(words[0]) ? 0 : card.name.toLowerCase().includes(words[0]) ? 1 : 2);
  return cards.filter((card) => found(card, words)).sort((a, b) => rank(a) - rank(b)).slice(0, limit);
}
