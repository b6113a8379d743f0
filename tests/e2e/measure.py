"""Measurements of the clip page: each a function of an open playwright page that returns plain numbers (ms, samples,
counts). They assert nothing about time: tests check what is exact, and the benchmark prints the rest.

The page must show a clip (window.__thud is there). What is shown is read back from the barcode in the picture itself:
a wrong frame counts as wrong whatever the page believes.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from tests.barcode import JS_READ_BARCODE

HELPERS = f"""
window.readBarcode = {JS_READ_BARCODE};
window.onScreen = () => readBarcode(document.querySelector(".screen video"));
window.keydown = (key) => new KeyboardEvent("keydown", {{ key, bubbles: true, cancelable: true }});
window.press = (key) => document.body.dispatchEvent(keydown(key));
window.sleep = (ms) => new Promise((done) => setTimeout(done, ms));
window.nextFrame = () => new Promise(requestAnimationFrame);
window.task = () => new Promise((done) => {{
  const channel = new MessageChannel();
  channel.port1.onmessage = done;
  channel.port2.postMessage(0);
}});
window.nextPaint = () => nextFrame().then(task);
window.packed = (floats) => {{
  const raw = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  let text = "";
  for (let i = 0; i < raw.length; i += 32768) text += String.fromCharCode(...raw.subarray(i, i + 32768));
  return btoa(text);
}};
window.settled = () => Promise.race([__thud.engine.settled(), sleep(3000).then(() => null)]);
"""

RECORDER = """
class Tap extends AudioWorkletProcessor {
  on = true;
  constructor() { super(); this.port.onmessage = () => { this.on = false; }; }
  process([[one]]) {
    if (one) this.port.postMessage([currentFrame, one.slice()]);
    return this.on;
  }
}
registerProcessor("tap", Tap);
"""


def prepare(page: Page) -> None:
    """Put the helpers into the page and wait until its clip is whole and Gradio has taken the page in."""
    page.wait_for_function("window.__thud?.engine.media && document.querySelector('.screen video')")
    page.evaluate(HELPERS)
    page.wait_for_function("__thud.prefetch.isWhole(__thud.clipId())")
    page.wait_for_function("performance.getEntriesByName('thud-mount').length > 0")


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95 and max, rounded to a tenth."""
    return {
        f"p{share}" if share < 100 else "max": round(float(np.percentile(values, share)), 1) for share in (50, 95, 100)
    }


def steps(page: Page, count: int = 30) -> dict[str, Any]:
    """Step `count` frames forward and back by key: when the barcode was not the neighbour's, and how long it took."""
    result = page.evaluate(
        """async (count) => {
          const { engine } = __thud, times = [], wrong = [];
          engine.seek(0.5); await settled(); await nextPaint();
          for (let i = 0; i < 2 * count; i++) {
            const by = i < count ? 1 : -1, before = engine.frame, began = performance.now();
            press(by > 0 ? "." : ",");
            await settled();
            times.push(performance.now() - began);
            const seen = onScreen() & 511;
            if (seen !== before + by || engine.frame !== seen) wrong.push([before, by, seen, engine.frame]);
          }
          return { times, wrong };
        }""",
        count,
    )
    return {"steps": 2 * count, "wrong": result["wrong"], "ms": percentiles(result["times"])}


def seeks(page: Page, count: int = 40, seed: int = 3) -> dict[str, Any]:
    """Seek to random times: how often the barcode is the frame the table says, and how long it took to be on screen."""
    targets = np.random.default_rng(seed).uniform(0.05, 0.95, count).tolist()
    result = page.evaluate(
        """async (targets) => {
          const { engine } = __thud, times = [], wrong = [];
          for (const share of targets) {
            const at = share * engine.duration, expected = engine.table.at(at), began = performance.now();
            engine.seek(at); await settled();
            times.push(performance.now() - began);
            if ((onScreen() & 511) !== expected) wrong.push([at, expected, onScreen() & 511]);
          }
          return { times, wrong };
        }""",
        targets,
    )
    return {"seeks": count, "wrong": result["wrong"], "ms": percentiles(result["times"])}


def next_clips(page: Page, count: int = 40, pause_ms: int = 600) -> dict[str, Any]:
    """Press j `count` times, looking at each clip for `pause_ms` (prefetching happens then).

    ms: until the frame in which the next clip's picture (by its barcode), title, sounds and timeline are all there.
    painted_ms: until the browser has put that frame together. outrun: clips whose sounds were not decoded yet.
    """
    result = page.evaluate(
        """async ([count, pause]) => {
          const drawn = [], painted = [], wrong = [];
          let outrun = 0, from = onScreen() >> 9;
          const name = () => document.querySelector(".cpg .name").textContent;
          for (let i = 0; i < count; i++) {
            const before = name(), paints = __thud.timeline.paints, began = performance.now();
            press("j");
            if (!__thud.prefetch.isWhole(__thud.clipId())) outrun += 1;
            const there = () => name() !== before && __thud.engine.media && __thud.timeline.paints !== paints;
            do await nextFrame(); while (!there());
            const { frame } = await settled(), at = performance.now() - began;
            await task();
            painted.push(performance.now() - began);
            drawn.push(at);
            const seen = onScreen(), same = from !== 0 && seen >> 9 === from;   // tests' clips carry their number too
            from = seen >> 9;
            if ((seen & 511) !== frame || same) wrong.push([__thud.clipId(), frame, seen]);
            await sleep(pause);
          }
          const videos = document.querySelectorAll("video").length;
          return { drawn, painted, wrong, outrun, videos, stats: __thud.prefetch.stats() };
        }""",
        [count, pause_ms],
    )
    kept = {name: result[name] for name in ("wrong", "outrun", "stats", "videos")}
    return {
        "clips": count,
        **kept,
        "ms": percentiles(result["drawn"]),
        "painted_ms": percentiles(result["painted"]),
    }


def open_for_recorder(page: Page, url: str) -> None:
    """Goes to `url` without its policy, which allows no script but the app's own."""
    session = page.context.new_cdp_session(page)
    session.send("Page.setBypassCSP", {"enabled": True})
    page.goto(url)
    session.send("Page.setBypassCSP", {"enabled": False})
    session.detach()


def start_recording(page: Page) -> None:
    """Record all that is audible, with the context's own sample numbers, until stop_recording.

    The page was opened by open_for_recorder.
    """
    page.evaluate(
        """async (code) => {
          const { engine } = __thud, { context } = engine;
          await context.resume();
          window.tapped ??= URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
          await context.audioWorklet.addModule(tapped);   // the same address again is not run again
          const tap = new AudioWorkletNode(context, "tap");
          window.blocks = [];
          tap.port.onmessage = (event) => blocks.push(event.data);
          engine.deck.output.connect(tap);
          window.tap = tap;
        }""",
        RECORDER,
    )


def unpacked(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), np.float32)


def stop_recording(page: Page) -> tuple[int, NDArray[np.float32]]:
    """(number of the first sample on the context's clock, samples); blocks that went missing are zeros."""
    first, text = page.evaluate(
        """async () => {
          const { engine } = __thud;
          await sleep(100);
          engine.deck.output.disconnect(tap);
          tap.port.postMessage("stop");
          const start = blocks[0][0], [last, tail] = blocks.at(-1), out = new Float32Array(last + tail.length - start);
          for (const [at, data] of blocks) out.set(data, at - start);
          return [start, packed(out)];
        }"""
    )
    return first, unpacked(text)


def switching(page: Page, toggles: list[str], each_ms: int = 300) -> dict[str, Any]:
    """Play, switch through `toggles` (sound ids) and correlate what was recorded with what the page decoded.

    lags: for each toggle, samples between where the heard piece lies in its sound and where the clock says it should.
    A busy machine loses blocks of a recording; what was not recorded whole is played again, at most five times.
    """
    for _ in range(5):
        found = _switch_once(page, toggles, each_ms)
        if found["whole"]:
            break
    return found


def _switch_once(page: Page, toggles: list[str], each_ms: int) -> dict[str, Any]:
    start_recording(page)
    play = """async ([toggles, each]) => {
      const { engine } = __thud, marks = [], rate = engine.context.sampleRate;
      engine.select(toggles[0]); engine.seek(0.3); await settled(); engine.play();
      while (!engine.deck.running) await sleep(5);
      await sleep(150);
      for (const id of toggles) {
        const { when, offset } = engine.deck.run;   // anew each time: a stalled picture makes the engine start again
        engine.select(id);
        const start = Math.round(engine.context.currentTime * rate) + 2400;   // past the crossfade and its block
        const at = Math.round((start / rate - when + offset) * rate);
        marks.push([start, packed(engine.deck.buffers.get(id).getChannelData(0).slice(at - 500, at + 6500))]);
        await sleep(each);
      }
      engine.pause();
      return { marks, rate };
    }"""
    run = page.evaluate(play, [toggles, each_ms])
    first, heard = stop_recording(page)
    pieces = [(unpacked(window), heard[start - first :][:6000]) for start, window in run["marks"]]
    # Every sound here has noise in it: many zeros are blocks that never arrived.
    whole = all(len(piece) == 6000 and np.count_nonzero(piece) > 5000 for _, piece in pieces)
    lags = (
        [int(np.argmax(np.correlate(window, piece, mode="valid"))) - 500 for window, piece in pieces] if whole else []
    )
    return {"toggles": len(toggles), "lags": lags, "rate": run["rate"], "whole": whole}


def in_step(page: Page, plays: int = 4, at_s: float | None = None, run_up_s: float = 1.0) -> dict[str, Any]:
    """Picture against sound at the event, ms: when its frame is shown minus when its time is heard (+ = picture late).

    Asks requestVideoFrameCallback and the context's output time stamp independently of the engine. event: that frame;
    a rate that does not divide the screen's has up to half a refresh of unavoidable unevenness in it. around: the mean
    of the 12 frames about the event, free of that.
    """
    result = page.evaluate(
        """async ([plays, at, runUp]) => {
          const { engine } = __thud, event = [], around = [];
          const { table } = engine, when = at ?? engine.duration / 2, time = table.proxyOf(table.at(when)) / table.fps;
          for (let i = 0; i < plays; i++) {
            engine.seek(Math.max(when - runUp, 0)); await settled();
            const video = engine.video, late = [], half = 6 / table.fps;
            const look = (now, meta) => {
              const stamp = engine.context.getOutputTimestamp(), { run } = engine.deck;
              const heard = run && run.when + meta.mediaTime - run.offset;
              if (run) late.push([meta.mediaTime - time,
                meta.expectedDisplayTime - (heard - stamp.contextTime) * 1000 - stamp.performanceTime]);
              if (engine.playing) video.requestVideoFrameCallback(look);
            };
            video.requestVideoFrameCallback(look);
            engine.play();
            for (let waited = 0; engine.position < when + half && waited < 200; waited++) await sleep(20);
            await sleep(60);
            engine.pause(); await settled();
            const near = late.filter(([from]) => Math.abs(from) < half);
            event.push(near.reduce((best, one) => (Math.abs(one[0]) < Math.abs(best[0]) ? one : best))[1]);
            around.push(near.reduce((sum, one) => sum + one[1], 0) / near.length);
          }
          return { event, around };
        }""",
        [plays, at_s, run_up_s],
    )
    rounded = {name: [round(value, 1) for value in values] for name, values in result.items()}
    return {**rounded, "worst_event": max(map(abs, rounded["event"])), "worst_around": max(map(abs, rounded["around"]))}
