"""What the streams of a dataset have done, in this process and in its worker processes."""

from __future__ import annotations

import enum
import time

import torch

from pilum import _pilum
from pilum.streaming.place import Place


class Field(enum.IntEnum):
    """Of one process. Those from BYTES on never go back; those before are of its last pass."""

    STARTED_NS = 0  # when that pass began
    NUM_WORKERS = 1  # of the DataLoader that it was for; 0: none
    UNSCANNED = 2
    RAW = 3
    READY = 4
    CONSUMED = 5
    BYTES = 6
    FETCH_NS = 7
    TRANSFORM_NS = 8
    SKIPPED = 9


_MOST_WORKERS = 255
_EPOCH_ROW = 0  # the epoch that was set; that of the loader's pass; whether it begins at the start
_OWN_ROW = 1
_FIRST_WORKER_ROW = 2


class SharedCounters:
    """Counters, and the epoch that was set, in memory that worker processes share however they
    start. A copy by plain `pickle` has memory of its own. Each process writes its own counters
    only; any may read them all."""

    _tensor: torch.Tensor

    def __init__(self, epoch: int) -> None:
        rows = _FIRST_WORKER_ROW + _MOST_WORKERS
        self._tensor = torch.zeros((rows, len(Field)), dtype=torch.int64)
        self._tensor.share_memory_()  # type: ignore[no-untyped-call]
        self._values = self._tensor.numpy()
        self.epoch = epoch

    @property
    def epoch(self) -> int:
        return int(self._values[_EPOCH_ROW, 0])

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._values[_EPOCH_ROW, 0] = epoch

    def set_pass(self, place: Place) -> None:
        """What pass the workers of a loader are to make."""
        self._values[_EPOCH_ROW, 1:3] = place.epoch, place.progress is None

    def place_of_pass(self, known: Place) -> Place:
        """`known` is where the stream was when this process was started."""
        epoch, fresh = self._values[_EPOCH_ROW, 1:3]
        return Place(int(epoch)) if fresh else known

    def begin(self, worker: int | None, num_workers: int) -> Counters:
        """The counters of this process, at the start of a pass."""
        row = _OWN_ROW if worker is None else _FIRST_WORKER_ROW + worker % _MOST_WORKERS
        values = self._values[row]
        values[: Field.BYTES] = 0
        values[Field.NUM_WORKERS] = num_workers
        values[Field.STARTED_NS] = time.monotonic_ns()
        return Counters(values)

    def read_here(self) -> bool:
        """Whether the last pass was in this process and not in worker processes. True if there was
        none."""
        started = self._values[_OWN_ROW:, Field.STARTED_NS]
        return int(started.argmax()) == 0

    def total(self, field: Field) -> int:
        """Over the processes of the last pass; of what never goes back, over all that ever were."""
        rows = self._values[_OWN_ROW:]
        if field < Field.BYTES:
            last = rows[rows[:, Field.STARTED_NS].argmax()]
            rows = rows[rows[:, Field.NUM_WORKERS] == last[Field.NUM_WORKERS]]
        return int(rows[:, field].sum())

    def __getstate__(self) -> torch.Tensor:
        return self._tensor

    def __setstate__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor
        self._values = tensor.numpy()


class Counters:
    """Those of one process."""

    def __init__(self, values: object) -> None:
        self._values = values
        self._before = {field: self[field] for field in Field if field >= Field.BYTES}

    def __getitem__(self, field: Field) -> int:
        return int(self._values[field])  # type: ignore[index]

    def set(self, field: Field, value: int) -> None:
        """What the pass has counted so far."""
        self._values[field] = self._before.get(field, 0) + value  # type: ignore[index]

    def set_read(self, read: _pilum.ReadCounters, rows: int, made: int) -> None:
        """rows   that the pass is to go past
        made   of which samples were made"""
        self.set(Field.UNSCANNED, max(0, rows - read.rows_requested))
        self.set(Field.RAW, max(0, read.rows_read - made))
        self.set(Field.BYTES, read.bytes_read)
        self.set(Field.FETCH_NS, read.read_ns)

    def touch(self) -> None:
        """Has this process be the one that the last pass was in."""
        self._values[Field.STARTED_NS] = time.monotonic_ns()  # type: ignore[index]
