// Who places marks: their names, shapes, colours and keys, and the rows they have in the lanes and in the table.
const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  gemini: "M6 0l6 6-6 6-6-6z",
  gpt: "M1 1h10v10H1z",
  claude: "M6 .5 12 11.5H0z",
  signal: "M2 .5 6 4.5 10 .5 11.5 2 7.5 6l4 4-1.5 1.5-4-4-4 4L.5 10l4-4-4-4z",
  human: "M.5 6a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0",
  person: "M.5 6a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0M3 6a3 3 0 1 1 6 0a3 3 0 1 1 -6 0",
  other: "M4.5 0h3v4.5H12v3H7.5V12h-3V7.500H0v-3h4.500z",
};
export const YOU = "you";
// Those that every clip has a row for, so that nothing moves when hidden marks are shown. hears: has a row in the sound lane.
const USUAL = [
  { id: "gemini", label: "Gemini", look: "gemini", hears: true },
  { id: "gpt", label: "GPT", look: "gpt", hears: false },
  { id: "claude", label: "Claude", look: "claude", hears: false },
  { id: "signal", label: "signal", look: "signal", hears: true },
];

export function shape(look) {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  svg.setAttribute("class", `sh ${look}`);
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[look] ?? SHAPES.other);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

const rowOf = (mark) => ({ id: mark.annotator, label: mark.person ? mark.annotator : mark.label || mark.annotator, look: mark.person ? "person" : "other", hears: mark.hears !== false || mark.audio_s !== null, mark });

// One row each: the usual models, other models, other people; digits 1 to 9 accept. Without `person` rows only models are shown.
export function rowsOf(marks) {
  const usual = USUAL.map((row) => {
    const mark = marks.find((one) => !one.person && one.annotator === row.id) ?? null;
    return { ...row, label: mark?.label || row.label, hears: row.hears || (mark?.audio_s ?? null) !== null, mark };
  });
  const others = marks.filter((one) => one.person || !USUAL.some((row) => row.id === one.annotator)).map(rowOf);
  others.sort((a, b) => a.mark.person - b.mark.person);
  return [...usual, ...others].map((row, index) => ({ ...row, key: index < 9 ? String(index + 1) : "" }));
}
