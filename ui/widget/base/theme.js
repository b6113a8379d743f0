// Dark or light. first.js has set it before the first paint; this switches it, remembers it and keeps Gradio's class in step.
const STORE = "thud.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const remembered = () => { try { return localStorage.getItem(STORE); } catch { return null; } };

function apply(theme) {
  document.documentElement.dataset.theme = theme;
  document.body.classList.toggle("dark", theme === "dark");
}

export function initTheme(button, signal) {
  const name = () => button.setAttribute("aria-label", `Switch to ${document.documentElement.dataset.theme === "dark" ? "light" : "dark"}`);
  name();
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply(theme);
    name();
    try { localStorage.setItem(STORE, theme); } catch { /* private window: kept for this page only */ }
  }, { signal });
  system.addEventListener("change", () => {
    if (remembered() === null) { apply(system.matches ? "dark" : "light"); name(); }
  }, { signal });
}
