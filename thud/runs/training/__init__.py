"""Training runs: planned, started, watched, taken care of, taken out.

wanted.py      what is asked for, and the config that follows
start.py       data, adapter, command, what stands in the way; the run
afterwards.py  what follows it by itself: DPO, then asking before and after
measuring.py   whom and what it is measured by
teaching.py    the one button
listing.py     all training runs, as a page or a shell shows them
care.py        clone, delete, export, merge, push
listener.py    the listener that comes of it
"""

from thud.runs.trainer.files import metrics, progress
from thud.runs.training.care import clone, delete_run, export_adapter, merge, push
from thud.runs.training.listener import listener_name, listener_of
from thud.runs.training.listing import HeldOut, TrainRun, train_run, train_runs
from thud.runs.training.start import TrainPlan, next_name, plan_training, standing_export, start_training
from thud.runs.training.wanted import (
    TrainWanted,
    default_device,
    parse_wanted,
    recipe_config,
    recipe_names,
    wanted_json,
)

__all__ = [
    "HeldOut", "TrainPlan", "TrainRun", "TrainWanted", "clone", "default_device", "delete_run", "export_adapter",
    "listener_name", "listener_of", "merge", "metrics", "next_name", "parse_wanted", "plan_training",
    "progress", "push", "recipe_config", "recipe_names", "standing_export", "start_training", "train_run", "train_runs",
    "wanted_json",
]  # fmt: skip
