// Puts words on the clipboard. Where the page is not on a secure address the clipboard is closed to it, and they are shown to be copied by hand.
import { toast } from "./toast.js";

export async function copy(words, done = "Copied.") {
  try {
    await navigator.clipboard.writeText(words);
    toast(done);
  } catch { toast(`Copy this: ${words}`, { level: "info", stays: true }); }
}
