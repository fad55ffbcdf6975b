"""The store of a run: files that survive whatever ends the process, and how frames are read back from them."""

from runs.store.atomic import StoreError
from runs.store.checkpoint import Checkpoint, read_checkpoint
from runs.store.locking import RunLock, RunLocked
from runs.store.series import Series, open_series, pack
from runs.store.store import Store, read_run_file, write_run_file

__all__ = [
    "Checkpoint",
    "RunLock",
    "RunLocked",
    "Series",
    "Store",
    "StoreError",
    "open_series",
    "pack",
    "read_checkpoint",
    "read_run_file",
    "write_run_file",
]
