// Files and folders dropped anywhere on the page.
import { el } from "../base/dom.js";

const MEDIA = /\.(mp4|m4v|mov|mkv|webm|avi|csv|jsonl)$/i;

async function filesOf(entry, depth = 0) {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  if (!entry.isDirectory || depth > 8) return [];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const batch = await new Promise((done, fail) => reader.readEntries(done, fail)); // a hundred at a time, by the standard
    if (!batch.length) return found;
    for (const child of batch) found.push(...(await filesOf(child, depth + 1)).filter((file) => child.isDirectory || MEDIA.test(file.name)));
  }
}

export function initDrop(root, { onfiles, signal }) {
  const veil = el("div", { class: "veil", hidden: true, "aria-hidden": "true" }, el("p", {}, "Drop to add these clips"));
  root.append(veil);
  const holds = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  const on = (name, run) => document.addEventListener(name, (event) => { if (holds(event)) { event.preventDefault(); run(event); } }, { signal });
  on("dragenter", () => { depth += 1; veil.hidden = false; });
  on("dragover", (event) => { event.dataTransfer.dropEffect = "copy"; });
  on("dragleave", () => { depth -= 1; if (depth <= 0) { depth = 0; veil.hidden = true; } });
  on("drop", async (event) => {
    depth = 0;
    veil.hidden = true;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    onfiles(entries.length ? (await Promise.all(entries.map((entry) => filesOf(entry)))).flat() : plain);
  });
}
