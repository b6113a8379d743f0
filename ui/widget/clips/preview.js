// A second of picture around the event while the pointer rests on a card: muted, never by itself, never for who asked for stillness.
import { el } from "../base/dom.js";
import { get } from "../base/api.js";

const REST_MS = 300;
const HALF_S = 0.5;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function preview(list, { signal }) {
  let timer = 0, video = null, over = null;

  function stop() {
    clearTimeout(timer);
    over = null;
    video?.remove();
    video = null;
  }

  async function play(link) {
    let found;
    try { found = await get(`/api/clips/${encodeURIComponent(link.dataset.id)}`, { signal }); } catch { return; } // only a preview
    const at = found.clip?.visual_s ?? found.clip?.audio_s;
    if (over !== link || !link.checkVisibility() || !found.proxy || at === null || at === undefined) return;
    const from = Math.max(0, at - HALF_S);
    video = el("video", { class: "peek", playsinline: true, "aria-hidden": "true", tabindex: "-1" });
    video.muted = true;
    video.addEventListener("loadedmetadata", (event) => { event.target.currentTime = from; }); // the pointer may have left: video is null then
    video.addEventListener("seeked", (event) => event.target.play().catch(() => {}), { once: true });
    video.addEventListener("timeupdate", (event) => { if (event.target.currentTime > at + HALF_S) event.target.pause(); });
    video.src = found.proxy;
    link.querySelector(".scene")?.append(video);
  }

  list.addEventListener("pointerover", (event) => {
    const link = event.target.closest("a.card");
    if (!link || link === over || event.pointerType === "touch" || still.matches) return;
    stop();
    over = link;
    timer = setTimeout(() => play(link), REST_MS);
  }, { signal });
  list.addEventListener("click", stop, { signal }); // to the clip's page: the pointer leaves nothing, the list goes
  list.addEventListener("pointerout", (event) => {
    if (over && !over.contains(event.relatedTarget)) stop();
  }, { signal });
}
