"""Transforms: functions of record batches, run on threads. What they make comes out in order."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from pilum.errors import InvalidArgumentError
from pilum.streaming.counters import Counters, Field, Stage
from pilum.streaming.receipt import Rows
from pilum.streaming.timing import Durations

Transform = Callable[[pa.RecordBatch], Iterable[Any]]
#: "raise", "skip" or "warn", or whether to skip the row that an exception is of.
OnError = str | Callable[[Exception], object]

_SLICE = 0.05  # seconds of waiting, between looks at whether the process ends
_PATIENCE = 0.05  # seconds for calls to end when nobody wants their samples: Ctrl-C is not to wait

_log = logging.getLogger("pilum.streaming")


class TransformOptions(NamedTuple):
    """How rows become samples."""

    function: Transform
    threads: int
    on_error: OnError
    queue_depth: int | None  #: blocks of a split that may wait; None: what keeps the threads busy

    @property
    def skips(self) -> bool:
        """Whether rows may be missing."""
        return self.on_error != "raise"


class Block:
    """Rows of one split or batch, and the samples made of them."""

    def __init__(
        self,
        kind: str,
        number: int,
        place: int,
        row_ids: pa.UInt64Array,
        batch: pa.RecordBatch,
    ) -> None:
        """kind    "split" or "batch", and which one
        place   there, of the first row"""
        self.number = number
        self.place = place
        self.row_ids = row_ids
        self.all_rows = Rows.of(row_ids)
        self.part = f"{kind} {number}"
        self.rows = batch.num_rows
        self.bytes = batch.nbytes
        self.done = False
        self.samples: list[tuple[int, Any]] = []  #: with the place of its row
        self.error: BaseException | None = None
        self.skipped: list[int] = []  #: places of rows without a sample
        self.first_failure: Exception | None = None  #: of rows that were skipped
        self._batch: pa.RecordBatch | None = batch

    def make_samples(self, options: TransformOptions) -> None:
        batch, self._batch = self._batch, None
        try:
            self._transform(batch, options)
        except BaseException as error:  # to be raised where the samples are wanted
            self.samples = []
            self.error = error

    def _transform(self, batch: pa.RecordBatch, options: TransformOptions) -> None:
        try:
            self.samples = list(enumerate(_apply(options.function, batch), self.place))
            return
        except _WrongCountError:
            raise
        except Exception as of_rows:
            error = of_rows
        # Outside of the handler, where an error loses what it was caused by.
        if not options.skips:
            raise _with_place(error, self)
        self._transform_rows(batch, error, options)

    def _transform_rows(
        self, batch: pa.RecordBatch, error: Exception, options: TransformOptions
    ) -> None:
        """Row by row, without those that fail, as some do: all of them together gave `error`."""
        failures: list[Exception] = []
        for i in range(batch.num_rows):
            failure = error
            if batch.num_rows > 1:
                try:
                    [sample] = _apply(options.function, batch.slice(i, 1))
                    self.samples.append((self.place + i, sample))
                    continue
                except _WrongCountError:
                    raise
                except Exception as of_row:
                    failure = of_row
            if callable(options.on_error) and not options.on_error(failure):
                raise _with_place(failure, self)
            failures.append(failure)
            self.skipped.append(self.place + i)
        self.first_failure = failures[0] if failures else None
        if options.on_error == "warn" and failures:
            _log.warning(
                "Skipped %d of %d rows, %s; the first error is %r",
                len(failures),
                batch.num_rows,
                self.describe(),
                self.first_failure,
            )

    def rows_at(self, places: list[int]) -> Rows:
        """For the consumer, who is not to wait for the interpreter once more: that of all rows was
        calculated before."""
        if not places:
            return Rows()
        if len(places) == self.rows:
            return self.all_rows
        return Rows.of(self.row_ids_at(places))

    def row_ids_at(self, places: list[int]) -> pa.UInt64Array:
        if len(places) == self.rows:
            return self.row_ids
        return self.row_ids.take(pa.array([place - self.place for place in places], pa.int64()))

    def describe(self) -> str:
        return f"rows {self.place} to {self.place + self.rows - 1} of {self.part}"


class _WrongCountError(InvalidArgumentError):
    """A transform that gives another number of samples."""


def _apply(function: Transform, batch: pa.RecordBatch) -> list[Any]:
    samples = list(function(batch))
    if len(samples) != batch.num_rows:
        raise _WrongCountError(
            "a transform must give one output row per input row, but gave "
            f"{len(samples)} for {batch.num_rows}"
        )
    return samples


def _with_place(error: Exception, block: Block) -> Exception:
    """The error, in whose traceback stands which rows it is of."""
    place = f"raised by the transform of {block.describe()}"
    if hasattr(error, "add_note"):
        error.add_note(place)
    else:  # Python 3.10, which prints causes but no notes
        cause = RuntimeError(place)
        cause.__cause__, cause.__context__ = error.__cause__, error.__context__
        cause.__suppress_context__ = error.__suppress_context__
        error.__cause__ = cause
    return error


class Blocks(Protocol):
    """What blocks are read from: the number of a split or batch, the place there, the row ids and
    the rows."""

    def __next__(self) -> tuple[int, int, pa.UInt64Array, pa.RecordBatch]: ...
    def close(self) -> None: ...


class TransformPool:
    """Threads that make samples of blocks. Each takes the next block when there is room for it.

    The threads are not daemons, so that none is stopped in the midst of a transform; they see by
    themselves when the process ends. Those that are in a long call when the pool is closed end
    behind it, and the process waits for them. One consumer.
    """

    def __init__(
        self,
        blocks: Blocks,
        kind: str,
        options: TransformOptions,
        most_blocks: int,
        most_bytes: int,
    ) -> None:
        """kind   as that of a Block
        most_blocks, most_bytes   that are being transformed or wait; of the bytes of their rows.
        A consumer that waits gets one more"""
        self.skips = options.skips  #: rows may have no sample
        self.rows_done = 0
        self.samples_waiting = 0  #: of blocks that are done and not taken
        self.rows_skipped = 0
        self._process = os.getpid()
        self._blocks = blocks
        self._kind = kind
        self._options = options
        self._most_blocks = most_blocks
        self._most_bytes = most_bytes
        self._calls = Durations()  # in the transform, over all threads
        self._cpu_ns = 0  # of these
        self._room_wait_ns = 0  # of the thread whose turn it is
        self._rows_wait_ns = 0
        self._bytes = 0
        self._held = 0  # blocks that the consumer has, and has not let go
        self._turn = threading.Lock()  # to read a block and get in line with it
        self._changed = threading.Condition()  # of all below
        self._line: deque[Block] = deque()
        self._hungry = False  # the consumer waits
        self._consumer = threading.current_thread()
        self._ended = False
        self._stopped = False
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"pilum-transform-{i}")
            for i in range(options.threads)
        ]
        for thread in self._threads:
            thread.start()

    # ---------------------------------------------------------------------------- the consumer
    def __iter__(self) -> TransformPool:
        return self

    def __next__(self) -> Block:
        """The next block, when it is done. It counts until it is let go."""
        if os.getpid() != self._process:
            raise RuntimeError(
                "this iterator was started before the process was forked; start a new one"
            )
        with self._changed:
            self._consumer = threading.current_thread()
            while not (self._line and self._line[0].done):
                if self._ended and not self._line:
                    if self._failure is not None:
                        raise self._failure
                    raise StopIteration
                self._hungry = True
                self._changed.notify_all()
                self._changed.wait(_SLICE)
                if not (self._ended or any(thread.is_alive() for thread in self._threads)):
                    raise RuntimeError("the process is ending, and transforms have stopped")
            self._hungry = False
            self._held += 1
            block = self._line.popleft()
            self.samples_waiting -= len(block.samples)
            return block

    @property
    def nanoseconds(self) -> int:
        """In transforms, over all threads."""
        return self._calls.total_ns

    def count_timing(self, counters: Counters) -> None:
        counters.set(Field.THREADS, self._options.threads)
        counters.set(Field.WORK_NS, self._calls.total_ns)
        counters.set(Field.WORK_CPU_NS, self._cpu_ns)
        counters.set(Field.ROWS_WAIT_NS, self._rows_wait_ns)
        counters.set(Field.ROOM_WAIT_NS, self._room_wait_ns)
        counters.set_histogram(Stage.TRANSFORM, self._calls.histogram)

    def let_go(self, block: Block) -> None:
        """Its samples were delivered."""
        with self._changed:
            self._held -= 1
            self._bytes -= block.bytes
            self._changed.notify_all()

    def close(self) -> None:
        """No call begins any more; those under way are waited for if they are short."""
        if os.getpid() != self._process:
            return
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._blocks.close()
        until = time.monotonic() + _PATIENCE
        for thread in self._threads:
            if thread is not threading.current_thread():  # the garbage collector runs anywhere
                thread.join(max(0.0, until - time.monotonic()))

    # ----------------------------------------------------------------------------- the threads
    def _work(self) -> None:
        while self._transform_block():
            pass

    def _transform_block(self) -> bool:
        block = self._take_block()
        if block is None:
            return False
        start, on_cpu = time.perf_counter_ns(), time.thread_time_ns()
        block.make_samples(self._options)
        on_cpu = time.thread_time_ns() - on_cpu
        self._finish(block, time.perf_counter_ns() - start, on_cpu)
        return True

    def _take_block(self) -> Block | None:
        with self._turn:
            start = time.perf_counter_ns()
            has_room = self._wait_for_room()
            asked = time.perf_counter_ns()
            self._room_wait_ns += asked - start
            if not has_room:
                return None
            try:
                block = Block(self._kind, *next(self._blocks))
            except StopIteration:
                self._end(None)
                return None
            except BaseException as error:  # to be raised behind the blocks before
                self._end(error)
                return None
            self._rows_wait_ns += time.perf_counter_ns() - asked
            with self._changed:
                self._line.append(block)
                self._bytes += block.bytes
            return block

    def _wait_for_room(self) -> bool:
        with self._changed:
            while not self._has_room():
                if self._stopped or self._ended or self._is_left_behind():
                    return False
                self._changed.wait(_SLICE)
            return not (self._stopped or self._ended)

    def _is_left_behind(self) -> bool:
        """Whether the process ends, and with it who would want samples."""
        return not (threading.main_thread().is_alive() or self._consumer.is_alive())

    def _has_room(self) -> bool:
        blocks = self._held + len(self._line)
        if blocks < self._most_blocks and (self._bytes < self._most_bytes or blocks == 0):
            return True
        return self._hungry and not self._line

    def _finish(self, block: Block, nanoseconds: int, on_cpu: int) -> None:
        with self._changed:
            block.done = True
            self._calls.add(nanoseconds)
            self._cpu_ns += on_cpu
            self.rows_done += block.rows
            self.rows_skipped += len(block.skipped)
            self.samples_waiting += len(block.samples)
            self._changed.notify_all()

    def _end(self, failure: BaseException | None) -> None:
        with self._changed:
            self._ended = True
            self._failure = failure
            self._changed.notify_all()
