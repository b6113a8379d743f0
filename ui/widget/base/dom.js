// Builds elements without ever parsing markup from data: strings become text nodes.
export function el(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  set(node, attrs);
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export function set(node, attrs) {
  for (const [name, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) node.removeAttribute?.(name);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style" && typeof value === "object") Object.assign(node.style, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

export const replace = (node, ...children) => {
  node.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
};

// Numbers as the product writes them: U+2212 for minus, three decimals for times.
export const number = (value, digits = 3) =>
  value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−");
export const signed = (value, digits = 3) =>
  value === null || value === undefined ? "–" : (value > 0 ? "+" : "") + number(value, digits);
export const seconds = (value, digits = 3) => (value === null || value === undefined ? "–" : `${number(value, digits)} s`);
