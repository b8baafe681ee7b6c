"""What the streams of a dataset have done, in this process and in its worker processes."""

from __future__ import annotations

import copy
import enum
import time
from collections.abc import Sequence

import numpy as np
import torch

from pilum import _pilum
from pilum.streaming.place import Place
from pilum.streaming.timing import BUCKETS

#: Between counts for other processes, which take some microseconds.
COUNT_NS = 1_000_000

Values = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


class Field(enum.IntEnum):
    """Of one process. Those from BYTES on never go back; those before are of its last pass."""

    STARTED_NS = 0  # when that pass began
    ENDED_NS = 1  # 0: it is live
    KIND = 2  # of the pass: see below
    UNSCANNED = 3
    RAW = 4
    READY = 5
    CONSUMED = 6
    FIRST_NS = 7  # from the beginning to the first sample, or batch
    WAIT_NS = 8  # for rows, samples or batches, of the thread that hands them over
    MAKE_NS = 9  # making samples or batches of rows, of this thread
    READ_NS = 10  # while rows were read
    STORE_NS = 11  # requests, summed
    DECODE_NS = 12  # planning and decoding, summed over threads
    STORE_READS = 13
    STORE_BYTES = 14
    WANTED_BYTES = 15
    ROWS_READ = 16
    DECODED_BYTES = 17
    THREADS = 18  # that transform
    WORK_NS = 19  # of these threads, summed: in the transform
    WORK_CPU_NS = 20  # on a CPU
    ROWS_WAIT_NS = 21  # while they wait for rows
    ROOM_WAIT_NS = 22  # while they wait for samples to be taken
    TOKENS = 23  # in blocks of a packed stream
    PAD_TOKENS = 24
    PACKED_ROWS = 25  # that end in these
    ENDED_PLACE = 26  # the key of where the pass began, once a worker has come to its end
    BYTES = 27
    FETCH_NS = 28
    TRANSFORM_NS = 29
    SKIPPED = 30


class Stage(enum.IntEnum):
    """Whose durations are counted by their length."""

    READ = 0  # rows that are read together
    TRANSFORM = 1  # calls
    WAIT = 2  # of the thread that hands samples or batches over, for what is next


#: Kinds of passes: samples come from this process; n > 0: from n workers of a plain DataLoader;
#: -1 - n: batches from n workers of a StreamingDataLoader, or, if that is 0, from this process.
FROM_HERE = 0


def dealt_to(num_workers: int) -> int:
    """The kind of such a pass."""
    return -1 - num_workers


def workers_of(kind: int) -> int:
    """Of a pass of that kind."""
    return kind if kind >= 0 else -1 - kind


_MOST_WORKERS = 255
#: The epoch that was set; that of the loader's pass; whether this begins at the start; the key of
#: the last place from which worker processes have come to the end of a pass; that of the last state
#: that was loaded where they are started.
_EPOCH_ROW = 0
_OWN_ROW = 1
_FIRST_WORKER_ROW = 2


class SharedCounters:
    """Counters, and the epoch that was set, in memory that worker processes share however they
    start. A copy by plain `pickle` has memory of its own. Each process writes its own counters
    only, on the thread that consumes; any may read them all."""

    _tensor: torch.Tensor

    def __init__(self, epoch: int) -> None:
        rows = _FIRST_WORKER_ROW + _MOST_WORKERS
        columns = len(Field) + len(Stage) * BUCKETS
        # New shared memory has zeros. torch.zeros, then share_memory_, would write them twice, each
        # time with several threads, which then take CPUs for some milliseconds.
        size = rows * columns * torch.int64.itemsize
        memory = torch.UntypedStorage._new_shared(size)  # type: ignore[no-untyped-call]
        self._tensor = torch.empty(0, dtype=torch.int64).set_(memory).view(rows, columns)
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

    def end_pass(self, place: Place, worker: int, workers: int) -> None:
        """A worker process has come to the end of a pass that began at a place. When all have, that
        place is behind everybody: other processes have copies of it, and cannot know."""
        if place.key == 0:
            return  # the start of an epoch is never behind
        rows = self._values[_FIRST_WORKER_ROW:][:workers]
        rows[worker % _MOST_WORKERS, Field.ENDED_PLACE] = place.key
        if (rows[:, Field.ENDED_PLACE] == place.key).all():
            self._values[_EPOCH_ROW, 3] = place.key

    def is_behind(self, place: Place) -> bool:
        """Whether worker processes have come to the end of a pass from there."""
        return bool(place.key and self._values[_EPOCH_ROW, 3] == place.key)

    @property
    def loaded(self) -> int:
        """The key of the place of the state that was loaded last, but for those of workers."""
        return int(self._values[_EPOCH_ROW, 4])

    @loaded.setter
    def loaded(self, key: int) -> None:
        self._values[_EPOCH_ROW, 4] = key

    def begin(self, worker: int | None, kind: int) -> Counters:
        """The counters of this process, at the start of a pass."""
        row = _OWN_ROW if worker is None else _FIRST_WORKER_ROW + worker % _MOST_WORKERS
        fresh = self._values[row].copy()
        fresh[: Field.BYTES] = 0
        fresh[len(Field) :] = 0
        fresh[Field.KIND] = kind
        fresh[Field.STARTED_NS] = time.monotonic_ns()
        self._values[row] = fresh  # at once: other threads may read
        return Counters(self._values[row], row)

    def read(self, live: Counters | None = None) -> AllCounters:
        """live   those of a process as of now, in place of what it has written"""
        rows = _OWN_ROW + np.flatnonzero(self._values[_OWN_ROW:, Field.STARTED_NS])
        values: Values = self._values[rows]
        if live is not None:
            values[rows == live.row] = live.values
        return AllCounters(values)

    def __getstate__(self) -> torch.Tensor:
        return self._tensor

    def __setstate__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor
        self._values = tensor.numpy()


class AllCounters:
    """Those of all processes that ever began a pass, as of one moment."""

    def __init__(self, values: Values) -> None:
        self._all = values
        kinds, began = values[:, Field.KIND], values[:, Field.STARTED_NS].copy()
        # Those that make batches for this process may begin when it has left the pass already.
        began[1:][kinds[1:] < FROM_HERE] = 0
        self.kind = int(kinds[began.argmax()]) if len(values) else FROM_HERE  #: of the last pass
        self._last_pass = values[kinds == self.kind]

    def total(self, field: Field) -> int:
        """Over the processes of the last pass; of what never goes back, over all."""
        return int((self._all if field >= Field.BYTES else self._last_pass)[:, field].sum())

    def waiting(self, field: Field) -> int:
        """RAW or READY. Nothing does once the pass is over, whatever workers have made ahead."""
        if self.kind <= FROM_HERE and all(self._last_pass[:1, Field.ENDED_NS]):
            return 0
        return max(0, self.total(field))  # of batches, as of a millisecond ago

    def of_last_pass(self) -> list[Counted]:
        """Of its processes: that of the training loop first, if it is not of workers alone."""
        return [Counted(values) for values in self._last_pass]


class Counted:
    """What one process has counted."""

    def __init__(self, values: Values) -> None:
        self.values = values

    def __getitem__(self, field: Field) -> int:
        return int(self.values[field])

    def histogram(self, stage: Stage) -> list[int]:
        counts: list[int] = self.values[_slice(stage)].tolist()
        return counts

    @property
    def elapsed_ns(self) -> int:
        """Of the pass."""
        end = self[Field.ENDED_NS] or time.monotonic_ns()
        return end - self[Field.STARTED_NS]


def _slice(stage: Stage) -> slice:
    first = len(Field) + stage * BUCKETS
    return slice(first, first + BUCKETS)


class Counters(Counted):
    """Those of one process, to be written by it."""

    def __init__(self, values: Values, row: int) -> None:
        super().__init__(values)
        self.row = row
        self.are_of_worker = row != _OWN_ROW  #: what the training loop's process wants to know
        self.have_first = False  #: sample, or batch
        self._before = {field: self[field] for field in Field if field >= Field.BYTES}

    def copy(self) -> Counters:
        """With values of its own, for a thread that wants to know what nobody has written yet."""
        copied = copy.copy(self)
        copied.values = self.values.copy()
        return copied

    def set(self, field: Field, value: int) -> None:
        """What the pass has counted so far."""
        self.values[field] = self._before.get(field, 0) + value

    def set_read(self, read: _pilum.ReadCounters, rows: int, made: int) -> None:
        """rows   that the pass is to go past
        made   of which samples were made"""
        self.set(Field.UNSCANNED, max(0, rows - read.rows_requested))
        self.set(Field.RAW, max(0, read.rows_read - made))
        self.set(Field.BYTES, read.bytes_read)
        self.set(Field.FETCH_NS, read.read_ns)

    def set_reading(self, read: _pilum.ReadCounters) -> None:
        """What takes longer to find out."""
        self.set(Field.READ_NS, read.busy_ns)
        self.set(Field.STORE_NS, read.fetch_ns)
        self.set(Field.DECODE_NS, read.decode_ns)
        self.set(Field.STORE_READS, read.store_reads)
        self.set(Field.STORE_BYTES, read.store_bytes)
        self.set(Field.WANTED_BYTES, read.wanted_bytes)
        self.set(Field.ROWS_READ, read.rows_read)
        self.set(Field.DECODED_BYTES, read.bytes_read)
        self.set_histogram(Stage.READ, read.histogram)

    def set_packing(self, counts: tuple[int, int, int]) -> None:
        tokens, pad_tokens, rows = counts
        self.set(Field.TOKENS, tokens)
        self.set(Field.PAD_TOKENS, pad_tokens)
        self.set(Field.PACKED_ROWS, rows)

    def set_histogram(self, stage: Stage, counts: Sequence[int]) -> None:
        self.values[_slice(stage)] = counts

    def count_first(self) -> None:
        """The first sample, or batch, is there, if none was before."""
        if not self.have_first:
            self.have_first = True
            self.values[Field.FIRST_NS] = time.monotonic_ns() - self[Field.STARTED_NS]

    def end(self) -> None:
        self.values[Field.ENDED_NS] = time.monotonic_ns()
