// Drawing of the timeline: pure functions of a 2D context (in CSS pixels), a lane {y, h}, a scale and colours. No state, no DOM.
export const COLOURS = { ink: "--text", dim: "--text-2", faint: "--text-3", grid: "--line-2", tick: "--ctl", accent: "--accent", paper: "--inset",
  original: "--original", early: "--early", delayed: "--delayed", muted: "--muted", swapped: "--swapped" };

// A canvas does not know tokens or light-dark(): the colours are read off elements that wear them.
export function readColours(probes, node) {
  const family = getComputedStyle(node).fontFamily;
  const colours = Object.fromEntries(Object.entries(probes).map(([name, probe]) => [name, getComputedStyle(probe).color]));
  return { ...colours, font: `11px ${family}`, bold: `600 11px ${family}` };
}

export const scale = (view, width) => ({
  x: (time_s) => ((time_s - view.start) / (view.end - view.start)) * width,
  t: (x) => view.start + (x / width) * (view.end - view.start),
  perPixel: (view.end - view.start) / width,
  view, width,
});

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300];
const stepFor = (sc, pixels) => STEPS.find((step) => step / sc.perPixel >= pixels) ?? 600;

export function ruler(ctx, lane, sc, colours, bottom) {
  const major = stepFor(sc, 76), minor = STEPS[Math.max(STEPS.indexOf(major) - 2, 0)] ?? major / 5;
  const digits = major < 0.01 ? 3 : major < 0.1 ? 2 : major < 1 ? 1 : 0;
  ctx.font = colours.font;
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  for (let i = Math.ceil(sc.view.start / minor - 1e-9); i * minor <= sc.view.end; i += 1) {
    const x = Math.round(sc.x(i * minor)) + 0.5, main = Math.abs(i * minor / major - Math.round(i * minor / major)) < 1e-6;
    line(ctx, colours.tick, x, lane.y + lane.h - (main ? 16 : 4), x, lane.y + lane.h);
    if (!main) continue;
    line(ctx, colours.grid, x, lane.y + lane.h, x, bottom);
    ctx.fillStyle = colours.faint;
    ctx.fillText(Math.max(i * minor, 0).toFixed(digits), x + 4, lane.y + 14);
  }
}

export function line(ctx, colour, x1, y1, x2, y2, dash = []) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
  ctx.setLineDash([]);
}

// Lowest and highest value in each column: from the peaks, or from the samples where a column is shorter than two peaks, or
// where the sound is so quiet that the peaks' 8 bits would show as steps.
export function envelope(source, sc, columns) {
  const low = new Float32Array(columns), high = new Float32Array(columns);
  const per = (sc.view.end - sc.view.start) / columns;
  const coarse = sc.view.end - sc.view.start < 12 && loudest(source) < 0.25;
  const fine = source.buffer && (per < 0.002 || coarse);
  const rate = fine ? source.buffer.sampleRate : 1000;
  const data = fine ? source.buffer.getChannelData(0) : source.peaks;
  if (!data) return null;
  const count = fine ? data.length : data.length / 2, ends = fine ? 1 : 2, unit = fine ? 1 : 1 / 127;
  for (let column = 0; column < columns; column += 1) {
    const from = Math.floor((sc.view.start + column * per) * rate);
    const to = Math.max(Math.ceil((sc.view.start + (column + 1) * per) * rate), from + 1);
    let least = Infinity, most = -Infinity;
    for (let i = Math.max(from, 0); i < Math.min(to, count); i += 1) {
      const a = data[i * ends], b = data[i * ends + ends - 1];
      if (a < least) least = a;
      if (b > most) most = b;
    }
    low[column] = least === Infinity ? 0 : least * unit;
    high[column] = most === -Infinity ? 0 : most * unit;
  }
  return { low, high, columns };
}

export function loudest(source) {
  if (!source?.peaks) return 0;
  let most = 0;
  for (const value of source.peaks) most = Math.max(most, Math.abs(value));
  return most / 127;
}

// gain: so that the loudest of the sounds compared fills the lane; both are drawn with the same one.
export function wave(ctx, lane, env, gain, colour, width) {
  const middle = lane.y + lane.h / 2, half = (lane.h / 2 - 3) * gain, step = width / env.columns;
  ctx.fillStyle = colour;
  for (let i = 0; i < env.columns; i += 1) {
    const top = middle - Math.min(env.high[i] * half, lane.h / 2), bottom = middle - Math.max(env.low[i] * half, -lane.h / 2);
    ctx.fillRect(i * step, top - 0.4, step, Math.max(bottom - top, 0) + 0.8);
  }
}

// The outline of another sound, dashed; columns close to the middle line are left out so that quiet stays quiet.
export function ghost(ctx, lane, env, gain, colour, width) {
  const middle = lane.y + lane.h / 2, half = (lane.h / 2 - 3) * gain, step = width / env.columns;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.setLineDash([2, 2]);
  for (const values of [env.high, env.low]) {
    ctx.beginPath();
    let down = false;
    for (let i = 0; i < env.columns; i += 1) {
      const y = middle - Math.max(Math.min(values[i] * half, lane.h / 2 - 1), 1 - lane.h / 2);
      if (Math.abs(y - middle) < 3) { down = false; continue; }
      if (down) ctx.lineTo(i * step, y); else ctx.moveTo(i * step, middle);
      if (!down) ctx.lineTo(i * step, y);
      down = true;
    }
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

// A spectrogram's alpha is the ink: the visible part, in the colour of the theme.
export function spectrum(ctx, lane, mask, duration_s, sc, colour, scratch) {
  const per = mask.width / duration_s;
  const start = Math.max(sc.view.start, 0), end = Math.min(sc.view.end, duration_s);
  if (end <= start) return;
  const ratio = ctx.getTransform().a, w = Math.max(Math.round((sc.x(end) - sc.x(start)) * ratio), 1), h = Math.round(lane.h * ratio);
  if (scratch.width < w) scratch.width = w;
  if (scratch.height < h) scratch.height = h;
  const ink = scratch.getContext("2d");
  ink.globalCompositeOperation = "source-over";
  ink.clearRect(0, 0, w, h);
  ink.drawImage(mask, start * per, 0, (end - start) * per, mask.height, 0, 0, w, h);
  ink.globalCompositeOperation = "source-in";
  ink.fillStyle = colour;
  ink.fillRect(0, 0, w, h);
  ctx.drawImage(scratch, 0, 0, w, h, sc.x(start), lane.y, w / ratio, lane.h);
}

// An event: a line through its lane and a shape on it. shape: "dot" | "ring".
export function mark(ctx, lane, x, colour, shape, paper) {
  line(ctx, colour, Math.round(x) + 0.5, lane.y, Math.round(x) + 0.5, lane.y + lane.h);
  ctx.beginPath();
  ctx.arc(Math.round(x) + 0.5, lane.y + lane.h / 2, 5, 0, 2 * Math.PI);
  ctx.fillStyle = shape === "dot" ? colour : paper;
  ctx.fill();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5;
  ctx.stroke();
}

// Words on a patch, kept inside the lane. side: "left" | "right" of x.
export function label(ctx, text, x, y, side, colours, width, plate = null) {
  ctx.font = colours.font;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const w = ctx.measureText(text).width + 8;
  let left = side === "left" ? x - w - 9 : x + 9;
  if (left < 2) left = x + 9;
  if (left + w > width - 2) left = x - w - 9;
  ctx.fillStyle = plate ?? colours.paper;
  ctx.beginPath();
  ctx.roundRect(left, y - 8, w, 16, 2);
  ctx.fill();
  ctx.fillStyle = plate ? colours.paper : colours.dim;
  ctx.fillText(text, left + 4, y + 0.5);
}

// From the event as recorded to the event as heard, with the lag in words.
export function bracket(ctx, from, to, y, text, colours) {
  const a = Math.round(Math.min(from, to)) + 0.5, b = Math.round(Math.max(from, to)) + 0.5;
  ctx.strokeStyle = colours.dim;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(a, y + 8); ctx.lineTo(a, y); ctx.lineTo(b, y); ctx.lineTo(b, y + 8);
  ctx.stroke();
  ctx.font = colours.bold;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const w = ctx.measureText(text).width + 8, middle = (a + b) / 2;
  const inside = w < b - a - 8;
  ctx.fillStyle = colours.paper;
  if (inside) ctx.fillRect(middle - w / 2, y - 7, w, 14);
  ctx.fillStyle = colours.ink;
  if (inside) ctx.fillText(text, middle, y + 0.5);
  else { ctx.textAlign = "left"; ctx.fillText(text, b + 6, y + 1); }
}
