"""StreamingDataLoader: whole batches of a stream, dealt to worker processes."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
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
from pilum.streaming.dealing import Made, Received
from pilum.streaming.receipt import Delivered, Receipt, Rows
from pilum.streaming.state import Facts

_SIGNATURE = inspect.signature(DataLoader.__init__)
_SAMPLES_AT_ONCE = 256


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
        make: Callable[[pa.RecordBatch], Any] = dataset._source.samples
        default: Callable[[Any], Any] = (
            default_convert if self.batch_size is None else default_collate
        )
        if format is not None:
            make = batch_format(format, ragged, pad_value, strings)
            default = _as_it_is
            if self.batch_size is None:
                raise InvalidArgumentError("format is of batches: give a batch_size")
            if dataset.has_transform:
                raise InvalidArgumentError(
                    "a transform makes samples, and format batches without any: give one of them"
                )
        given = _SIGNATURE.bind(self, dataset, *args, **options).arguments
        given = {k: v for k, v in given.items() if k not in ("self", "dataset", "drop_last")}
        collate = given.pop("collate_fn", None) or default
        self._dealt = _Dealt(dataset, self.batch_size, self.drop_last, make)
        self._inner: DataLoader[Any] = DataLoader(
            self._dealt, **(given | {"batch_size": None, "collate_fn": _Collate(collate)})
        )

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        with self._dealt.stream._delivering(self.num_workers) as delivery:
            if delivery.resumed:
                self._inner._iterator = None  # persistent workers do not know where
            yield from delivery.batches(self._inner)

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
        make: Callable[[pa.RecordBatch], Any],
    ) -> None:
        self.stream = stream
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._make = make

    def __iter__(self) -> Iterator[tuple[Received, Any]]:
        worker = get_worker_info()
        deal = (0, 1) if worker is None else (worker.id, worker.num_workers)
        if self._batch_size is None:
            return self._samples(deal)
        return self._batches(deal, self._batch_size)

    def _batches(self, deal: tuple[int, int], size: int) -> Iterator[tuple[Received, Any]]:
        for made in self._dealt(deal, size):
            if self._drop_last and made.num_rows < size:
                return
            delivered = Delivered(Rows.of(made.row_ids), made.skipped)
            yield Received(delivered, made.progress), made.batch
            del made  # while the next one is waited for

    def _samples(self, deal: tuple[int, int]) -> Iterator[tuple[Received, Any]]:
        """In turns with other processes, one each; if there are none they can be made together."""
        together = deal[1] == 1 and self.stream._source.counts_say_progress
        for made in self._dealt(deal, _SAMPLES_AT_ONCE if together else 1):
            if made.skipped.count:
                raise InvalidArgumentError(
                    "the transform has left rows out; with batch_size=None samples could not be "
                    "told from each other any more when the stream is resumed: give a batch_size"
                )
            for i, sample in enumerate(made.batch):
                delivered = Delivered(Rows.of(made.row_ids[i : i + 1]))
                yield Received(delivered, made.progress), sample

    def _dealt(self, deal: tuple[int, int], size: int) -> Iterator[Made]:
        with contextlib.closing(self.stream._deal(deal, size, self._make)) as dealt:
            yield from dealt


class _Collate:
    """Puts the samples of a batch together."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self._collate = collate

    def __call__(self, batch: tuple[Received, Any]) -> tuple[Received, Any]:
        return batch[0], self._collate(batch[1])


def _as_it_is(batch: Any) -> Any:
    return batch
