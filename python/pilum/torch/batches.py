"""Streams of record batches of a dataset: whole scans, and rows by number."""

from __future__ import annotations

import array
import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import pyarrow as pa

from pilum.dataset import Dataset, Fragment
from pilum.scanner import Columns

Batches: TypeAlias = Iterator[pa.RecordBatch]

_ROWS_OF_SCAN = 8192  # of a batch where none are asked for; fewer where rows are large


def count_batches(rows: int, size: int) -> int:
    return -(-rows // size)


def in_multiples(batches: Iterable[pa.RecordBatch], size: int) -> Batches:
    """The same rows in batches of multiples of `size`, but for the last. Copies only where two are
    joined."""
    parts: list[pa.RecordBatch] = []
    missing = size
    for batch in batches:
        start = 0
        if parts or batch.num_rows < size:
            parts.append(batch.slice(0, missing))
            start = parts[-1].num_rows
            missing -= start
            if missing:
                continue
            yield _join(parts)
            parts, missing = [], size
        end = batch.num_rows - (batch.num_rows - start) % size
        if start < end:
            yield batch.slice(start, end - start)
        if end < batch.num_rows:
            parts = [batch.slice(end)]
            missing = size - parts[0].num_rows
    if parts:
        yield _join(parts)


def cut(batch: pa.RecordBatch, size: int) -> Iterable[pa.RecordBatch]:
    """Batches of `size` rows, but for the last, without copies."""
    if batch.num_rows <= size:
        return [batch]
    return (batch.slice(start, size) for start in range(0, batch.num_rows, size))


def regroup(batches: Iterable[pa.RecordBatch], size: int) -> Batches:
    """The same rows in batches of `size`, but for the last. Copies only where two are joined."""
    for batch in in_multiples(batches, size):
        yield from cut(batch, size)


def _join(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


def scan(
    dataset: Dataset,
    fragments: Sequence[Fragment],
    columns: Columns,
    filter: str | None,
    batch_size: int,
    with_row_id: bool,
) -> Batches:
    """The rows of fragments, in the order of these, in batches of any size, but large enough to be
    cut into batches of batch_size without joining many."""
    ids = [fragment.fragment_id for fragment in fragments]
    ascend = all(one < other for one, other in itertools.pairwise(ids))
    # One scan delivers fragments in the order in which they are stored.
    scans = [fragments] if ascend else [[fragment] for fragment in fragments]
    size = batch_size if batch_size > _ROWS_OF_SCAN else None
    parts = (
        dataset.scanner(
            columns, filter, batch_size=size, with_row_id=with_row_id, fragments=some
        ).to_batches()
        for some in scans
    )
    return itertools.chain.from_iterable(parts)


def read_rows(
    dataset: Dataset, rows: Sequence[int], columns: Columns, with_row_id: bool
) -> pa.RecordBatch:
    """Rows by number, in the order given."""
    return dataset._snapshot.take(rows, columns=columns, with_row_id=with_row_id)


def take(
    dataset: Dataset, keys: Iterable[Sequence[int]], columns: Columns, with_row_id: bool, ahead: int
) -> Batches:
    """A batch for each sequence of row numbers. At most `ahead` batches are read in advance.

    Half of these are read at once, which costs less than one by one, by another thread and while
    the consumer works on the other half.
    """

    def read(together: list[Sequence[int]]) -> list[pa.RecordBatch]:
        rows = [row for numbers in together for row in numbers]
        batch = read_rows(dataset, rows, columns, with_row_id)
        ends = list(itertools.accumulate(map(len, together), initial=0))
        return [batch.slice(one, other - one) for one, other in itertools.pairwise(ends)]

    groups = _grouped(keys, max(1, ahead // 2))
    if ahead == 0:
        yield from itertools.chain.from_iterable(map(read, groups))
        return
    with ThreadPoolExecutor(1, thread_name_prefix="pilum-take") as reader:
        waiting: Future[list[pa.RecordBatch]] | None = None
        for group in groups:
            being_read = reader.submit(read, group)
            if waiting is not None:
                yield from waiting.result()
            waiting = being_read
        if waiting is not None:
            yield from waiting.result()


def _grouped(keys: Iterable[Sequence[int]], size: int) -> Iterator[list[Sequence[int]]]:
    rest = iter(keys)
    while group := list(itertools.islice(rest, size)):
        yield group


def matching_rows(dataset: Dataset, filter: str | None) -> Sequence[int]:
    """The numbers of the rows that a filter keeps, ascending. 8 bytes a row, none without one."""
    if filter is None:
        return range(len(dataset))
    rows = array.array("Q")
    for batch in dataset.to_batches(["_rowoffset"], filter):
        numbers = batch.column(0)
        values = memoryview(numbers.buffers()[1]).cast("B")
        rows.frombytes(values[8 * numbers.offset : 8 * (numbers.offset + len(numbers))])
    return rows
