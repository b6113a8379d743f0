"""The demo: small physical events, seen and heard, made from a seed; their event times are true by construction."""

from thud.stimuli.demo.make import DemoClip, make_clip, make_demo

__all__ = ["DemoClip", "make_clip", "make_demo"]
