"""The error tree: every failure a user can meet, as one sentence that says what happened and what to do next.

    ThudError
    ├── RefusedClip      this file cannot be used; the rest of the batch goes on
    ├── RefusedEdit      this intervention is not possible on this clip
    ├── BrokenProof      a written stimulus is not what was asked for
    ├── BadRequest       the user asked for something that makes no sense
    ├── NotFound         there is nothing under that name or id
    ├── Conflict         somebody changed the same thing meanwhile; nothing was overwritten
    ├── StoreBusy        another process holds the database
    ├── StoreFull        the disk is full; reads go on, nothing acknowledged is lost
    ├── StoreBroken      the database needs care before it can be written again
    ├── RunFailed        a worker or a run could not go on
    └── MissingPart      an optional library, program or key is not there

A library's own exception is translated where that library is called, so code above the edges catches only `ThudError`.
"""

from __future__ import annotations


class ThudError(Exception):
    """Base of all errors that are fit to be shown to a user; `str(error)` is the sentence."""


class RefusedClip(ThudError):
    """A source file is unusable as a clip."""


class RefusedEdit(ThudError):
    """An intervention cannot be made on this clip without leaving its promise."""


class BrokenProof(ThudError):
    """A stimulus was written, read back, and is not what was asked for."""


class BadRequest(ThudError):
    """An argument or a request is malformed."""


class NotFound(ThudError):
    """No record or file has this name."""


class Conflict(ThudError):
    """What was to be changed is no longer what the user saw."""


class StoreBusy(ThudError):
    """Another process holds the database file."""


class StoreFull(ThudError):
    """The disk under the database or the workspace is full."""


class StoreBroken(ThudError):
    """The database instance cannot go on; closing and opening it again is needed."""


class RunFailed(ThudError):
    """A run, or a worker of one, could not go on."""


class MissingPart(ThudError):
    """An optional library, program or key is missing."""
