// The address is the state of the Results page: /results?view=…&set=…&row=…; a link reproduces what is seen. No page here.
const PATH = "/results";
// What the server is asked to count: each of them changes numbers.
export const FILTERS = ["set", "arm", "answers", "unparsed", "kinds", "offsets", "tasks", "q"];
// row: the chosen one; matrix: the task whose answers its page counts; a, b: those compared; flip: which flipped items; sort: "gap" or "-gap"; items: a query for the items' list;
// item: the response that is looked at.
const OTHERS = ["view", "row", "matrix", "a", "b", "flip", "judge", "sort", "items", "item"];
const KEYS = [...OTHERS.slice(0, 1), ...FILTERS, ...OTHERS.slice(1)];
export const VIEWS = ["leaderboard", "model", "compare", "benchmarks", "judge"];

// Every key with its text, "" where the address says nothing.
export function readState(search) {
  const params = new URLSearchParams(search), state = Object.fromEntries(KEYS.map((key) => [key, params.get(key) ?? ""]));
  return { ...state, view: VIEWS.includes(state.view) ? state.view : "leaderboard" };
}

const written = (state, keys) => new URLSearchParams(keys.filter((key) => state[key]).map((key) => [key, state[key]]));

export const filterQuery = (state) => written(state, FILTERS).toString();
export const anyFilter = (state) => FILTERS.some((key) => state[key]);
export const noFilter = () => Object.fromEntries(FILTERS.map((key) => [key, ""]));

// What a saved view keeps: all but what is only looked at for a moment.
export const viewQuery = (state) => written({ ...state, view: state.view === "leaderboard" ? "" : state.view }, KEYS.filter((key) => key !== "items" && key !== "item")).toString();

export function addressOf(state) {
  const params = written({ ...state, view: state.view === "leaderboard" ? "" : state.view }, KEYS);
  return params.size ? `${PATH}?${params}` : PATH;
}

// Items under the same filter as the numbers: the query's own words win.
export function itemsQuery(query, state) {
  const params = new URLSearchParams(query);
  for (const key of FILTERS) if (state[key] && !params.has(key)) params.set(key, state[key]);
  return params.toString();
}

// A comma list as its parts, and one part put in or taken out.
export const listOf = (text) => text.split(",").filter(Boolean);
export const toggled = (text, part) => (listOf(text).includes(part) ? listOf(text).filter((each) => each !== part) : [...listOf(text), part]).join(",");
