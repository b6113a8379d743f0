(() => {
  const root = document.documentElement;
  let theme = null;
  try { theme = localStorage.getItem("thud.theme"); } catch { /* storage is off: follow the system */ }
  if (theme !== "dark" && theme !== "light") theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = theme;
  root.dataset.view = new URLSearchParams(location.search).has("clip") ? "clip" : "gallery";
  document.body.classList.toggle("dark", theme === "dark");
  const app = document.querySelector("gradio-app");
  app?.setAttribute("theme_mode", theme);
  app?.setAttribute("control_page_title", "false"); // the page names itself
})();
