"""The tiny model: a Qwen2.5-Omni thinker of a million and a half parameters, pre-trained here on the demo's scenes."""
