// The filter rail: a search field and check boxes with counts. Options follow the clips; nodes stay, so the focus stays too.
import { el, replace } from "../base/dom.js";
import { icon } from "../base/icons.js";
import { GROUPS, NO_KIND, STATES, TIMES, anyFilter, counts } from "../base/filters.js";

const TITLES = { state: "Soundtracks", times: "Event times", kind: "Sound" };
const LABELS = { state: STATES, times: TIMES, kind: { [NO_KIND]: "not named" } };
const labelOf = (group, value) => LABELS[group][value] ?? value;

function sorted(group, tally) {
  const known = Object.keys(LABELS[group]);
  if (group === "kind") return [...tally.keys()].sort((a, b) => (a === NO_KIND) - (b === NO_KIND) || a.localeCompare(b));
  return [...tally.keys()].sort((a, b) => known.indexOf(a) - known.indexOf(b));
}

// onchange(filters) is called with a new value; update(cards, filters) draws it.
export function makeRail({ onchange }) {
  let filters = null;
  const options = new Map();
  const search = el("input", { type: "search", placeholder: "Name, sound or id", "aria-label": "Filter by name, sound or id", spellcheck: "false",
    oninput: () => onchange({ ...filters, q: search.value }) });
  const groups = Object.fromEntries(GROUPS.map((group) => [group, el("div", { class: "g4" })]));
  const clear = el("button", { class: "btn s", hidden: true, onclick: () => onchange(null) }, "Clear the filters");
  const node = el("aside", { class: "rail", id: "rail", "aria-label": "Filters" }, el("label", { class: "in" }, icon("search"), search),
    ...GROUPS.map((group) => el("fieldset", {}, el("legend", {}, TITLES[group]), groups[group])), clear);

  function option(group, value) {
    const box = el("input", { type: "checkbox", onchange: () => {
      const held = filters[group].filter((each) => each !== value);
      onchange({ ...filters, [group]: box.checked ? [...held, value] : held });
    } });
    const count = el("span", { class: "t3" });
    const label = el("label", { class: "fl" }, box, el("span", { class: "clip", title: labelOf(group, value) }, labelOf(group, value)),
      el("span", { class: "sp" }), count);
    return { box, count, label };
  }

  function drawGroup(group, cards) {
    const tally = counts(cards, filters, group);
    const held = options.get(group) ?? new Map();
    const values = sorted(group, tally);
    if (values.join("\n") !== [...held.keys()].join("\n")) {
      options.set(group, new Map(values.map((value) => [value, held.get(value) ?? option(group, value)])));
      replace(groups[group], ...[...options.get(group).values()].map((each) => each.label));
    }
    for (const [value, { box, count, label }] of options.get(group)) {
      box.checked = filters[group].includes(value);
      count.textContent = String(tally.get(value));
      label.classList.toggle("off", tally.get(value) === 0 && !box.checked);
    }
  }

  return {
    node,
    focus: () => search.focus(),
    update(cards, next) {
      filters = next;
      if (search.value !== filters.q) search.value = filters.q;
      for (const group of GROUPS) drawGroup(group, cards);
      clear.hidden = !anyFilter(filters);
    },
  };
}
