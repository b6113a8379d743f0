"""How pairs lie in files that trainers read: TRL conversational and LLaMA-Factory ShareGPT, in and out."""

from thud.pairs.formats.read import read_any
from thud.pairs.formats.rows import Skipped

__all__ = ["Skipped", "read_any"]
