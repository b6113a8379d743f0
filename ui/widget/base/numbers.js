// Two small sums.
export const between = (low, value, high) => Math.min(Math.max(value, low), high);

// The mean of the middle half.
export function middleMean(values) {
  const sorted = [...values].sort((a, b) => a - b), cut = sorted.length >> 2, middle = sorted.slice(cut, sorted.length - cut);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
