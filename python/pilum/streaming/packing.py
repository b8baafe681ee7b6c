"""Packing: rows are documents of tokens, and samples blocks of these of equal length.

A state of a packed stream has, besides what others have (state.py):

    pack_sequences, eos_id, pad_id, blocks_per_epoch
    blocks_emitted_per_split        delivered, of each split
    positions_consumed_per_split    the place in the split of the row that the next block begins in
    pack_offsets_per_split          how many tokens of that row were delivered
    rank, world_size                whose splits these are, a worker process of a DataLoader being
                                    a reader of its own; those of others are as at the beginning,
                                    or in the state that was loaded. None if it is merged

How many rows a block takes is not known beforehand, so that the state of one rank says nothing
about the splits of others: on another number of ranks the states of all are needed, merged.

Where the first keys are from: LanceDB's StreamingDataset, whose states keep tokens instead of
offsets.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pilum import _pilum
from pilum.errors import InvalidArgumentError
from pilum.formats import column_tensor
from pilum.row_source import PinnedTable
from pilum.streaming.place import Place
from pilum.streaming.receipt import Rows
from pilum.streaming.source import Read, Source
from pilum.streaming.state import (
    PLACES,
    RANK,
    SAMPLES,
    WORLD_SIZE,
    Facts,
    PackProgress,
    Progress,
    Share,
    check_same_facts,
    numbers_of,
)
from pilum.table import Table

_BLOCKS, _OFFSETS = "blocks_emitted_per_split", "pack_offsets_per_split"
#: As Packing has them.
_PACKING_FACTS = ("pack_sequences", "eos_id", "pad_id", "blocks_per_epoch")
_PIECE_BYTES = 1 << 20  # of blocks that are made together


class Packing(NamedTuple):
    """What blocks are."""

    block_tokens: int
    eos_id: int
    pad_id: int
    blocks_per_epoch: int | None  #: None: as many as about all tokens need


def make_source(packing: Packing | None, **options: Any) -> Source:
    """Of rows, or of blocks."""
    return Source(**options) if packing is None else PackedSource(packing, **options)


def source_of_facts(table: Table, facts: Facts) -> Source:
    """Of those of a state or receipt; what is not in them does not matter."""
    packing = None
    if facts["pack_sequences"] is not None:
        packing = Packing(*(facts[key] for key in _PACKING_FACTS))
    return make_source(
        packing,
        base=PinnedTable(table, facts["table_version"]),
        columns=[],
        with_row_id=True,
        filter=facts["filter"],
        shuffle=facts["shuffle"],
        seed=facts["shuffle_seed"],
        clump_size=facts["shuffle_clump_size"],
        read_batch_size=1,
        prefetch_batches=None,
        readahead_bytes=0,
    )


class PackedSource(Source):
    """Blocks of the tokens in one column of a source's rows."""

    _reads_row_ids = False

    def __init__(self, packing: Packing, **options: Any) -> None:
        super().__init__(**options)
        self._packing = packing
        self._estimates: dict[int, int] = {}  # of each number of splits

    def check(self, num_splits: int) -> None:
        super().check(num_splits)
        self._check_column()
        self.blocks_per_epoch(num_splits)
        if self._packing.blocks_per_epoch is None:
            warnings.warn(
                f"blocks_per_epoch is estimated from the lengths of some rows: "
                f"{self._estimate(num_splits)}. Give this number, so that it stays the same when "
                "the table changes",
                UserWarning,
                stacklevel=3,
            )

    def _check_column(self) -> None:
        schema = self.base.snapshot.schema
        [name] = self._columns or ()
        if name not in schema.names:
            return  # an error when it is read
        kind = schema.field(name).type
        is_list = (
            pa.types.is_list(kind)
            or pa.types.is_large_list(kind)
            or pa.types.is_fixed_size_list(kind)
        )
        if not (is_list and pa.types.is_integer(kind.value_type)):
            raise InvalidArgumentError(
                f"pack_sequences takes a column of lists of integers, but columns has '{name}', "
                f"which is {kind}"
            )

    def blocks_per_epoch(self, num_splits: int) -> int:
        blocks = self._packing.blocks_per_epoch
        if blocks is None:
            return self._estimate(num_splits)
        if blocks % num_splits:
            raise InvalidArgumentError(
                f"blocks_per_epoch ({blocks}) must be divisible by num_splits ({num_splits})"
            )
        return blocks

    def _estimate(self, num_splits: int) -> int:
        if num_splits not in self._estimates:
            options = self._options(_whole(num_splits), batch_size=1, readahead_bytes=1 << 20)
            self._estimates[num_splits] = _pilum.estimate_blocks_per_epoch(
                self.rows(num_splits), options, self._packing.block_tokens
            )
        return self._estimates[num_splits]

    def open(self, place: Place, **options: Any) -> _pilum.PackedStream:
        num_splits = place.share.num_splits
        packing = _pilum.PackOptions(
            block_tokens=self._packing.block_tokens,
            eos_id=self._packing.eos_id,
            pad_id=self._packing.pad_id,
            blocks_per_split=self.blocks_per_epoch(num_splits) // num_splits,
        )
        start = self.start(place)
        assert isinstance(start, PackProgress)
        return _pilum.open_packed(
            self.rows(num_splits), self._options(place, **options), packing, start
        )

    @property
    def piece_rows(self) -> int:
        return max(1, _PIECE_BYTES // (16 * self._packing.block_tokens))

    def samples_of(self, share: Share) -> int:
        return self.blocks_per_epoch(share.num_splits) // share.readers

    def reads(self, stream: Any) -> Iterator[Read]:
        return (_ReadBlocks(self, batch) for batch in stream)

    def take_apart(self, batch: pa.RecordBatch) -> tuple[pa.UInt64Array, pa.RecordBatch]:
        """The numbers of blocks in the epoch, and the blocks."""
        return batch.column("block"), batch.select(["input_ids", "doc_ids"])

    def samples(self, batch: pa.RecordBatch) -> Iterator[Any]:
        rows = [column_tensor(batch.column(name), name).unbind(0) for name in batch.schema.names]
        samples = [
            {"input_ids": input_ids, "doc_ids": doc_ids}
            for input_ids, doc_ids in zip(*rows, strict=True)
        ]
        return iter(samples)

    counts_say_progress = False

    def beginning(self, num_splits: int) -> PackProgress:
        return PackProgress([0] * num_splits, [0] * num_splits, [0] * num_splits)

    def progress(self, stream: Any, unused: int = 0) -> PackProgress:
        return PackProgress(*stream.progress(unused))

    def facts(self, num_splits: int) -> Facts:
        packing = self._packing._replace(blocks_per_epoch=self.blocks_per_epoch(num_splits))
        return super().facts(num_splits) | dict(zip(_PACKING_FACTS, packing, strict=True))

    def state(self, epoch: int, progress: Progress | PackProgress, share: Share) -> Facts:
        assert isinstance(progress, PackProgress)
        return {
            **self.facts(share.num_splits),
            "epoch": epoch,
            **_keys_of(progress),
            RANK: share.rank,
            WORLD_SIZE: share.readers,
        }

    def progress_of(self, state: Facts) -> PackProgress:
        return _known(state)

    def epoch_order(self, num_splits: int, epoch: int) -> _pilum.EpochOrder:
        raise RuntimeError("a packed stream has no samples that are rows: their places are unknown")

    def rows_of(self, num_splits: int, epoch: int, samples: int | None) -> Rows:
        """Of blocks, by their numbers."""
        blocks = self.blocks_per_epoch(num_splits)
        count = blocks if samples is None else min(samples, blocks)
        return Rows.of(pa.array(np.arange(count, dtype=np.uint64)))


class _ReadBlocks:
    def __init__(self, source: PackedSource, batch: pa.RecordBatch) -> None:
        self._source = source
        self._numbers, self._blocks = source.take_apart(batch)

    def __len__(self) -> int:
        return len(self._numbers)

    def samples(self) -> Iterator[Any]:
        return self._source.samples(self._blocks)

    def digest(self, count: int) -> tuple[int, int]:
        return Rows.of(self._numbers[:count])


def _whole(num_splits: int) -> Place:
    place = Place(0)
    place.settle(Share(num_splits, 0, 1))
    return place


def _keys_of(progress: PackProgress) -> Facts:
    return {
        SAMPLES: progress.places,
        PLACES: progress.places,
        _BLOCKS: progress.blocks,
        _OFFSETS: progress.offsets,
        RANK: None,
        WORLD_SIZE: None,
    }


def _known(state: Facts) -> PackProgress:
    for key in (_BLOCKS, PLACES, _OFFSETS):
        if key not in state:
            raise InvalidArgumentError(f"the state has no {key!r}: it is of something else")
    return PackProgress(
        *(numbers_of(state, key, state["num_splits"]) for key in (_BLOCKS, PLACES, _OFFSETS))
    )


def merge_packed_states(states: Sequence[Facts]) -> Facts:
    """What the states of all ranks, or some that are of all splits, say together."""
    of_progress = (SAMPLES, PLACES, _BLOCKS, _OFFSETS, RANK, WORLD_SIZE)
    facts = {key: value for key, value in states[0].items() if key not in of_progress}
    for state in states[1:]:
        check_same_facts(facts, state)
    ranks = {(state.get(RANK) or 0, state.get(WORLD_SIZE) or 1) for state in states}
    world_size = states[0].get(WORLD_SIZE) or 1
    if ranks != {(rank, world_size) for rank in range(world_size)}:
        raise InvalidArgumentError(
            "the states of a packed stream are merged if they are those of all ranks of one run, "
            f"not of (rank, world_size) {sorted(ranks)}"
        )
    known = [_known(state) for state in states]
    furthest = [
        max(known, key=lambda progress: progress.blocks[split])
        for split in range(states[0]["num_splits"])
    ]
    merged = PackProgress(
        [progress.blocks[split] for split, progress in enumerate(furthest)],
        [progress.places[split] for split, progress in enumerate(furthest)],
        [progress.offsets[split] for split, progress in enumerate(furthest)],
    )
    return facts | _keys_of(merged)
