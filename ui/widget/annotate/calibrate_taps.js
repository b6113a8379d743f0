// What presses say about this machine. Pure: moments in ms on one clock, beats and presses in, figures or a sentence out.
export const BEATS = 12;
export const ENOUGH = 8;
const EARLIEST_MS = 80, LATEST_MS = 900; // a press sooner was a guess, one later was about nothing
const SCATTERED_MS = 90;
const FARTHEST_MS = 600;
const MAD_TO_SD = 1.4826;

// Beats that cannot be counted along with: 1.1 to 1.7 s apart, the first after a second.
export function beatTimes(start_ms, count = BEATS, random = Math.random) {
  const times = [];
  for (let at = start_ms + 1000; times.length < count; at += 1100 + 600 * random()) times.push(at);
  return times;
}

// For each beat the delay of the first press that can belong to it; beats without one are left out.
export function delaysOf(beats, presses) {
  const found = beats.map((beat) => presses.map((press) => press - beat).find((delay) => delay >= EARLIEST_MS && delay <= LATEST_MS));
  return found.filter((delay) => delay !== undefined);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// The middle and the spread of delays; one wild press among them changes neither much.
export function middleOf(delays) {
  const middle = median(delays);
  return { middle_ms: middle, spread_ms: MAD_TO_SD * median(delays.map((delay) => Math.abs(delay - middle))), n: delays.length };
}

// Why a round cannot be used, in one sentence, or null. what: "flashes" or "clicks".
export function problemOf(delays, what, asked = BEATS) {
  if (delays.length < ENOUGH) return `Only ${delays.length} of ${asked} ${what} got a press in time; ${ENOUGH} are needed.`;
  const { spread_ms } = middleOf(delays);
  return spread_ms > SCATTERED_MS ? `Your presses for the ${what} are scattered by ${Math.round(spread_ms)} ms; ${SCATTERED_MS} is the most that says anything.` : null;
}

// {sound_late_ms, spread_ms, reaction_ms} of two usable rounds, or {problem}. error_ms: standard error of the difference of two medians.
export function resultOf(seen, heard) {
  const picture = middleOf(seen), sound = middleOf(heard), late = Math.round(sound.middle_ms - picture.middle_ms);
  if (Math.abs(late) > FARTHEST_MS) return { problem: `Sound and picture came out ${Math.abs(late)} ms apart, which no machine is. Please do both rounds again.` };
  const error = 1.2533 * Math.hypot(picture.spread_ms / Math.sqrt(picture.n), sound.spread_ms / Math.sqrt(sound.n));
  return { sound_late_ms: late, spread_ms: Math.round(Math.hypot(picture.spread_ms, sound.spread_ms)), error_ms: Math.round(error), reaction_ms: Math.max(0, Math.round(picture.middle_ms)) };
}
