"""A person at the calibration: presses space a set time after each flash is on screen, and after each click is audible.

Sits on the browser's own side (what is painted, what is scheduled on the sound's clock) and knows nothing of the page's
sums. A press carries the moment it is meant for, so a busy machine changes nothing.
"""

from __future__ import annotations

from typing import TypedDict


class Hand(TypedDict):
    """see_ms, hear_ms: from flash and click to the press. late_ms: how much later than the browser says sound is heard.
    wild: every so many-th press comes that much later.
    """

    see_ms: float
    hear_ms: float
    late_ms: float
    wild: int
    wild_ms: float


STEADY: Hand = {"see_ms": 210, "hear_ms": 170, "late_ms": 120, "wild": 5, "wild_ms": 300}
SCATTERED: Hand = {**STEADY, "wild": 2, "wild_ms": 400}

TAPPER = """hand => {
  window.__clicks = [];
  let nth = 0;
  const press = (moment) => {
    nth += 1;
    const event = new KeyboardEvent("keydown", { key: " ", code: "Space", bubbles: true, cancelable: true });
    Object.defineProperty(event, "timeStamp", { value: moment + (nth % hand.wild === 0 ? hand.wild_ms : 0) });
    document.activeElement.dispatchEvent(event);
  };
  const lit = () => document.querySelector(".lamp.on") !== null;
  let was = false;
  new MutationObserver(() => {
    if (lit() && !was) requestAnimationFrame((shown) => press(shown + hand.see_ms));
    was = lit();
  }).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["class"] });
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when, ...rest) {
    start.call(this, when, ...rest);
    window.__clicks.push(when);
    if (document.querySelector(".cal h2")?.textContent.includes("hear") !== true) return;
    const { contextTime, performanceTime } = this.context.getOutputTimestamp();
    press(performanceTime + (when - contextTime) * 1000 + hand.late_ms + hand.hear_ms);
  };
}"""
