"""Rows chosen at random."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import SupportsIndex

from pilum.errors import UnsupportedError
from pilum.scanner import check_count, check_filter
from pilum.torch.batches import Batches, matching_rows, regroup, scan, take
from pilum.torch.source import Source, open_dataset

MAX_TAKES = 2048
_AHEAD = 16
_NOT_NULL = re.compile(r"\s*(`[^`]+`|[\w.]+)\s+is\s+not\s+null\s*", re.IGNORECASE)


def maybe_sample(
    dataset: Source,
    n: SupportsIndex,
    columns: Sequence[str] | str,
    batch_size: SupportsIndex = 10240,
    max_takes: SupportsIndex = MAX_TAKES,
    filt: str | None = None,
) -> Batches:
    """n different rows, chosen at random by Python's `random`, as record batches of batch_size
    rows; all rows, in storage order, if there are no more than n.

    max_takes   a sample of more rows comes in storage order, which is faster to read
    filt        None, or "column is not null"; UnsupportedError, a NotImplementedError, for others
    """
    data = open_dataset(dataset)
    names = [columns] if isinstance(columns, str) else columns
    count, size = check_count("n", n, 0), check_count("batch_size", batch_size, 1)
    most = check_count("max_takes", max_takes, 0)
    check_sample_filter(filt)
    data.scanner(names, filt)  # errors in them are raised now
    if count >= data.count_rows(filt):
        return regroup(scan(data, data.get_fragments(), names, filt, size, False), size)
    rows = choose(matching_rows(data, filt), count, most)
    return take(data, batches_of(rows, size), names, False, _AHEAD)


def check_sample_filter(filter: str | None) -> None:
    """Whether rows that a filter keeps can be chosen from."""
    if filter is not None and not _NOT_NULL.fullmatch(check_filter(filter)):
        raise UnsupportedError(
            f"rows are chosen at random from all rows, or from those where one column is not "
            f"null, but not by the filter {filter!r}"
        )


def choose(rows: Sequence[int], count: int, max_takes: int = MAX_TAKES) -> list[int]:
    """So many different ones of the rows."""
    chosen = random.sample(range(len(rows)), count)
    if count > max_takes:
        chosen.sort()
    return [rows[i] for i in chosen]


def batches_of(rows: Sequence[int], size: int) -> list[Sequence[int]]:
    return [rows[first : first + size] for first in range(0, len(rows), size)]
