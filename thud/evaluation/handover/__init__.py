"""Hands items over to other tools: Inspect and lmms-eval task folders that stand alone."""

from __future__ import annotations

from thud.evaluation.handover.items import ExportItem
from thud.evaluation.handover.write import Written, write_inspect, write_lmms_eval

__all__ = ["ExportItem", "Written", "write_inspect", "write_lmms_eval"]
