"""The one room that talks to the database: an append-only log, the tables it implies, and the files they speak of."""

from thud.store.backup import BackupReport
from thud.store.changes import Change
from thud.store.leases import Leases
from thud.store.log import Event
from thud.store.rows import DonorRejection, KeptReply, Note, RefusedStimulus
from thud.store.snapshot import current_snapshot
from thud.store.store import Health, Store, open_store
from thud.store.verify import Disagreement

__all__ = [
    "BackupReport",
    "Change",
    "Disagreement",
    "DonorRejection",
    "Event",
    "Health",
    "KeptReply",
    "Leases",
    "Note",
    "RefusedStimulus",
    "Store",
    "current_snapshot",
    "open_store",
]
