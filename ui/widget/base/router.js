// The address is the state: /clips with filters, or /clips?clip=…&sound=…&t=…; back and forward bring the scroll back.
const PATH = "/clips";
const CLIP_KEYS = ["clip", "sound", "t", "build", "add"];

export function readRoute(search) {
  const params = new URLSearchParams(search);
  const time = params.get("t") === null ? null : Number(params.get("t"));
  return { clip: params.get("clip"), sound: params.get("sound"), time: Number.isFinite(time) ? time : null, build: params.get("build") === "1", add: params.get("add") === "1" };
}
const addressOf = (params) => (params.size ? `${PATH}?${params}` : PATH);

// onchange(route, kept): the address changed; kept = {scroll, shown} when it was seen before. keep(): what else to remember.
export function makeRouter({ signal, onchange, keep }) {
  let own = 0; // entries of ours behind this one, so that "back" can be the browser's own
  const params = () => new URLSearchParams(location.search);
  const filtersOf = (all) => { for (const key of CLIP_KEYS) all.delete(key); return all; };
  const remember = () => history.replaceState({ ...history.state, scroll: window.scrollY, ...keep() }, "");
  const change = (kept = null) => onchange(readRoute(location.search), kept);

  history.scrollRestoration = "manual";
  window.addEventListener("popstate", (event) => { own = Math.max(0, own - 1); change(event.state); }, { signal });
  window.addEventListener("pagehide", remember, { signal });

  return {
    begin: () => change(history.state),
    // To a clip's page; the filters stay in the address, so that the way back and j/k keep their order.
    go({ clip }) {
      remember();
      const next = filtersOf(params());
      next.set("clip", clip);
      history.pushState(null, "", addressOf(next));
      own += 1;
      change();
    },
    // The clip page moved to another clip, sound or time: the same entry, so that "back" is the gallery from anywhere in it.
    follow(moved) {
      const next = params();
      if (!next.has("clip")) return; // said late: the gallery is back already
      for (const [name, value] of Object.entries({ sound: null, t: null, ...moved })) {
        if (value === null) next.delete(name); else next.set(name, value);
      }
      history.replaceState(history.state, "", addressOf(next));
    },
    back() {
      if (own > 0) { history.back(); return; }
      history.pushState(null, "", addressOf(filtersOf(params())));
      change();
    },
    stay: (filters) => history.replaceState(history.state, "", addressOf(filters)),
    flag(name, on) {
      const next = params();
      if (on) next.set(name, "1"); else next.delete(name);
      history.replaceState(history.state, "", addressOf(next));
    },
  };
}
