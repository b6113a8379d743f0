// Icons as path data on a 16-unit grid; drawn, never fetched. Conditions carry their glyph here: = ← → ⊘ ⇄.
const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  "play": "M4 2.5v11l9-5.5z",
  "pause": "M4 3h3v10H4zM9 3h3v10H9z",
  "check": "M3 8.5 6.5 12 13 4.5",
  "x": "m4 4 8 8m0-8-8 8",
  "alert": "M8 2 1.5 13.5h13zM8 6.5v3m0 2v.1",
  "info": "M2 8a6 6 0 1 0 12 0a6 6 0 1 0 -12 0M8 7.5v3.5m0-6v.1",
  "dash": "M4 8h8",
  "search": "M3 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0M10 10l3.5 3.5",
  "sun": "M2.5 8a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0M8 2.5v11a5.5 5.5 0 0 0 0-11z",
  "chev": "m4.5 6.5 3.5 3.5 3.5-3.5",
  "right": "m6.5 4.5 3.5 3.5-3.5 3.5",
  "clock": "M2 8a6 6 0 1 0 12 0a6 6 0 1 0 -12 0M8 4.5V8l2.5 1.5",
  "hide": "M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4zM3 13 13 3",
  "stop": "M4 4h8v8H4z",
  "down": "M8 2.5v8m-3.5-3L8 11l3.5-3.5M3 13.5h10",
  "link": "M6.5 9.5l3-3M7 4.5l1.3-1.3a3 3 0 0 1 4.4 4.4L11.500 9M9 11.500l-1.300 1.300a3 3 0 0 1-4.400-4.400L4.500 7",
  "original": "M3 6h10M3 10h10",
  "early": "M13.500 8H3m4-4L3 8l4 4",
  "delayed": "M2.500 8H13M9 4l4 4-4 4",
  "muted": "M2.5 8a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0M4.200 11.800 11.800 4.200",
  "swapped": "M3 5.500h9.500M10 3l2.500 2.500L10 8M13 10.500H3.500M6 8l-2.500 2.500L6 13",
};
const FILLED = new Set(["play", "pause", "stop"]);

export function icon(name, size = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `ic ${size} ${FILLED.has(name) ? "fill" : ""}`.replace(/ +/g, " ").trim());
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? "");
  svg.append(path);
  return svg;
}
