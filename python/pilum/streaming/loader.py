"""StreamingDataLoader: whole batches of a stream, dealt to worker processes."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import torch
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    default_collate,
    default_convert,
    get_worker_info,
)

from pilum.errors import InvalidArgumentError
from pilum.streaming.batches import batch_format
from pilum.streaming.dataset import StreamingDataset
from pilum.streaming.dealing import MakeBatches, Received
from pilum.streaming.receipt import Receipt
from pilum.streaming.source import Source
from pilum.streaming.state import Facts

_SIGNATURE = inspect.signature(DataLoader.__init__)


class StreamingDataLoader(DataLoader[Any]):
    """A DataLoader of a `StreamingDataset` whose batches and states are the same for any number of
    worker processes.

        loader = StreamingDataLoader(stream, batch_size=128, format="torch", drop_last=True)
        for batch in loader:
            train_step(batch)
            state = loader.state_dict()  # the batch counts as consumed

    Workers are dealt whole batches: worker w of n makes batches w, w + n, ... of the rank. So
    num_splits needs to be divisible by the world size only; None means the world size. The state
    is that of the batches that were delivered, whatever workers have made ahead.

    format      "torch", "numpy", "arrow" or "polars": batches are made of columns, without an
                object for each row, as `pilum.streaming.batches` describes; collate_fn gets such a
                batch. None: samples, which collate_fn puts together
    ragged      what lists of any length are in tensors and arrays: "offsets", a `Ragged`, or
                "padded", a `Padded`
    pad_value   what these are padded with
    strings     what strings and binaries are there: "list" or "arrow"

    The rest is as for a DataLoader, with these differences. `batch_size=None` delivers samples.
    `in_order=False` is a ValueError. With a transform, a call gets rows of one batch, at most
    read_batch_size; rows that it leaves out make their batch shorter, so that every rank makes the
    same number of steps, and a batch of which no row is left is an error. One iterator of the
    dataset can be live at a time, this loader's or its own. Without worker processes reading and
    transforms run ahead on threads all the same.
    """

    def __init__(
        self,
        dataset: StreamingDataset,
        *args: Any,
        format: str | None = None,
        ragged: str = "offsets",
        pad_value: float = 0,
        strings: str = "list",
        **options: Any,
    ) -> None:
        if not isinstance(dataset, StreamingDataset):
            raise TypeError(
                f"a StreamingDataLoader takes a StreamingDataset, not a {type(dataset).__name__}"
            )
        super().__init__(dataset, *args, **options)  # checks them
        if not self.in_order:
            raise InvalidArgumentError(
                "a StreamingDataLoader delivers its batches in order: leave out in_order=False"
            )
        make: MakeBatches = _Samples(dataset._source, self.batch_size is None)
        default: Callable[[Any], Any] = (
            default_convert if self.batch_size is None else default_collate
        )
        if format is not None:
            make = batch_format(format, ragged, pad_value, strings).batches
            default = _as_it_is
            if self.batch_size is None:
                raise InvalidArgumentError("format is of batches: give a batch_size")
            if dataset.has_transform:
                raise InvalidArgumentError(
                    "a transform makes samples, and format batches without any: give one of them"
                )
        given = _SIGNATURE.bind(self, dataset, *args, **options).arguments
        given = {k: v for k, v in given.items() if k not in ("self", "dataset", "drop_last")}
        collate = _Collate(given.pop("collate_fn", None) or default)
        self._dealt = _Dealt(dataset, self.batch_size, self.drop_last, make)
        self._collate = collate
        self._inner: DataLoader[Any] = DataLoader(
            self._dealt, **(given | {"batch_size": None, "collate_fn": collate})
        )

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        with self._dealt.stream._delivering(self.num_workers) as delivery:
            if delivery.resumed:
                self._inner._iterator = None  # persistent workers do not know where
            here = self.num_workers == 0 and not self.pin_memory
            yield from delivery.batches(self._made_here() if here else self._inner)

    def _made_here(self) -> Iterator[tuple[Received, Any]]:
        """As a DataLoader without workers makes them, for which it takes several times as long as
        all else on this thread."""
        # It draws a number, too: those of the training are not to depend on num_workers.
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)
        yield from map(self._collate, self._dealt)

    def __len__(self) -> int:
        """Batches of a whole pass."""
        samples = self._dealt.stream._samples_of_rank()
        size = self.batch_size or 1
        return samples // size if self.drop_last else -(-samples // size)

    def state_dict(self) -> Facts:
        """That of the dataset: see `StreamingDataset.state_dict`."""
        return self._dealt.stream.state_dict()

    def receipt(self) -> Receipt:
        """That of the dataset: see `StreamingDataset.receipt`."""
        return self._dealt.stream.receipt()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `StreamingDataset.load_state_dict`."""
        self._dealt.stream.load_state_dict(state)


class _Dealt(IterableDataset[tuple[Received, Any]]):
    """The batches of a stream that fall to this process, or the samples, each with what rows it is
    made of."""

    def __init__(
        self,
        stream: StreamingDataset,
        batch_size: int | None,
        drop_last: bool,
        make: MakeBatches,
    ) -> None:
        self.stream = stream
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._make = make

    def __iter__(self) -> Iterator[tuple[Received, Any]]:
        worker = get_worker_info()
        deal = (0, 1) if worker is None else (worker.id, worker.num_workers)
        size = self._batch_size
        with contextlib.closing(self.stream._deal(deal, size, self._make)) as dealt:
            for made in dealt:
                if self._drop_last and size is not None and made.num_rows < size:
                    return
                yield Received(made.delivered, made.progress), made.batch
                del made  # while the next one is waited for


class _Samples:
    """Makes lists of them, or, singly, each alone."""

    def __init__(self, source: Source, singly: bool) -> None:
        self._source = source
        self._singly = singly

    def __call__(self, rows: pa.RecordBatch, size: int) -> Iterator[Any]:
        if self._singly:
            return self._source.samples(rows)
        batches = (rows.slice(first, size) for first in range(0, rows.num_rows, size))
        return map(list, map(self._source.samples, batches))


class _Collate:
    """Puts the samples of a batch together."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self._collate = collate

    def __call__(self, batch: tuple[Received, Any]) -> tuple[Received, Any]:
        return batch[0], self._collate(batch[1])


def _as_it_is(batch: Any) -> Any:
    return batch
