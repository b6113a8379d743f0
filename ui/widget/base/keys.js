// Keyboard: one listener for the page, one active scope at a time on a stack. Silent while typing, in dialogs that do not own
// the scope, with ctrl/meta/alt, and during IME input. Keys can be remapped and switched off; both are remembered.
const STORE = "thud.keys";
const stack = [];
const saved = () => {
  try { return JSON.parse(localStorage.getItem(STORE)) || {}; } catch { return {}; }
};
let prefs = { off: false, map: {}, ...saved() };

const save = () => { try { localStorage.setItem(STORE, JSON.stringify(prefs)); } catch { /* private window: keys last for this page */ } };
export const keysOff = () => prefs.off;
export const setKeysOff = (off) => { prefs = { ...prefs, off }; save(); };
export const keyOf = (binding) => prefs.map[binding.id] ?? binding.key;
export const remap = (id, key) => {
  prefs = { ...prefs, map: { ...prefs.map, [id]: key } };
  if (key === null) delete prefs.map[id];
  save();
};

// The page's own keys (search, help): heard beside every scope that is not a dialog's. A scope's binding of the same key wins.
let base = [];
export const setBase = (bindings) => { base = bindings; };

// bindings: [{id, key, label, run, shift?: label, hidden?: true, once?: true}]; key is KeyboardEvent.key, "Shift+" is prefixed where a binding says so.
// once: a key that is held down counts as one press.
export function pushScope(bindings, { modal = false } = {}) {
  const scope = { bindings, modal };
  stack.push(scope);
  return () => { const at = stack.indexOf(scope); if (at >= 0) stack.splice(at, 1); };
}
export const activeBindings = () => {
  const scope = stack.at(-1) ?? { bindings: [], modal: false };
  if (scope.modal) return scope.bindings;
  return [...scope.bindings, ...base.filter((b) => !scope.bindings.some((own) => own.id === b.id || keyOf(own) === keyOf(b)))];
};

const typing = (target) =>
  target instanceof Element &&
  (target.closest("input:not([type=checkbox]):not([type=radio]):not([type=range]),textarea,select,[contenteditable],[role=combobox]") !== null);
const presses = (event, target) =>
  (event.key === " " || event.key === "Enter") && target instanceof Element && target.closest("button,a,[role=button],summary,input") !== null;

// What a press may be called, the likeliest first. Digits go by their place on the keyboard, because Shift with a digit types
// another sign on every layout; letters lose what Caps Lock did to them.
export function namesOf(event) {
  const { key, code = "", shiftKey } = event, digit = /^Digit(\d)$/.exec(code)?.[1];
  if (digit !== undefined && shiftKey) return [`Shift+${digit}`, key];
  if (shiftKey && key.length > 1) return [`Shift+${key}`];
  if (!shiftKey && /^[A-Z]$/.test(key)) return [key.toLowerCase()];
  return digit !== undefined && digit !== key ? [key, digit] : [key];
}

export function listen(signal) {
  document.addEventListener("keydown", (event) => {
    if (prefs.off && event.key !== "?" && event.key !== "Escape") return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (typing(event.target) && event.key !== "Escape") return;
    if (presses(event, event.target)) return;
    const active = activeBindings();
    const hit = namesOf(event).map((name) => active.find((b) => keyOf(b) === name)).find(Boolean);
    if (!hit) return;
    event.preventDefault();
    if (!(hit.once && event.repeat)) hit.run(event);
  }, { signal });
}
