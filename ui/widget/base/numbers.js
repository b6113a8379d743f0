// Small sums, and a chance in words.
export const between = (low, value, high) => Math.min(Math.max(value, low), high);

// The mean of the middle half.
export function middleMean(values) {
  const sorted = [...values].sort((a, b) => a - b), cut = sorted.length >> 2, middle = sorted.slice(cut, sorted.length - cut);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

// A p-value: ".115", "< .001", "1.000", "–" where there is none.
const SMALL_P = 0.001;
export const chance = (p) => (p === null || p === undefined ? "–" : p < SMALL_P ? "< .001" : p.toFixed(3).replace(/^0/, ""));
