"""Checks of the arguments of streams."""

from __future__ import annotations

import operator
import os
import secrets
from collections.abc import Mapping
from typing import SupportsIndex

from pilum.errors import InvalidArgumentError
from pilum.scanner import Columns, check_count
from pilum.streaming.packing import Packing
from pilum.streaming.transforms import OnError, Transform, TransformOptions

_READAHEAD_BYTES = 64 << 20


def integer(name: str, value: SupportsIndex) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}") from None


def check_positive(name: str, value: SupportsIndex) -> int:
    return check_count(name, value, 1)


def check_positive_or_none(name: str, value: SupportsIndex | None) -> int | None:
    return None if value is None else check_positive(name, value)


def check_seed(seed: SupportsIndex | None) -> int:
    """A random one for None."""
    return secrets.randbits(63) if seed is None else integer("shuffle_seed", seed)


def check_readahead(readahead_bytes: SupportsIndex | None) -> int:
    if readahead_bytes is None:
        return _READAHEAD_BYTES
    return check_count("readahead_bytes", readahead_bytes, 0)


def check_depth(batches: SupportsIndex | None, depth: SupportsIndex | None) -> int | None:
    given = {
        name: integer(name, value)
        for name, value in {"prefetch_batches": batches, "io_queue_depth": depth}.items()
        if value is not None
    }
    for name, value in given.items():
        if value < 1:
            raise InvalidArgumentError(f"{name} must be greater than 0, not {value}")
    if len(set(given.values())) > 1:
        raise InvalidArgumentError(
            f"prefetch_batches ({given['prefetch_batches']}) and io_queue_depth "
            f"({given['io_queue_depth']}) are the same option and differ"
        )
    return next(iter(given.values()), None)


def check_transform(
    transform: Transform | None,
    threads: SupportsIndex | None,
    on_error: OnError,
    depth: SupportsIndex | None,
) -> TransformOptions | None:
    for name, value in {"transform_parallelism": threads, "transform_queue_depth": depth}.items():
        if value is not None and integer(name, value) < 1:
            raise InvalidArgumentError(f"{name} must be greater than 0, not {value}")
    if not callable(on_error) and on_error not in ("raise", "skip", "warn"):
        raise InvalidArgumentError(
            f"on_transform_error must be 'raise', 'skip', 'warn', or a callable, not {on_error!r}"
        )
    if transform is None:
        return None
    if not callable(transform):
        raise TypeError(f"transform must be callable, not {type(transform).__name__}")
    return TransformOptions(
        transform,
        len(os.sched_getaffinity(0)) if threads is None else operator.index(threads),
        on_error,
        None if depth is None else operator.index(depth),
    )


def check_packing(
    block_tokens: SupportsIndex | None,
    eos_id: SupportsIndex | None,
    pad_id: SupportsIndex | None,
    blocks: SupportsIndex | str | None,
    columns: Columns,
    transform: TransformOptions | None,
) -> Packing | None:
    others = {"eos_id": eos_id, "pad_id": pad_id, "blocks_per_epoch": blocks}
    if block_tokens is None:
        for name, value in others.items():
            if value is not None:
                raise InvalidArgumentError(f"{name} is of pack_sequences, which is not given")
        return None
    for name, value in others.items():
        if value is None:
            raise InvalidArgumentError(f"pack_sequences needs {name}")
    if transform is not None:
        raise InvalidArgumentError("pack_sequences makes samples of its own: leave out transform")
    if isinstance(columns, Mapping) or columns is None or len(columns) != 1:
        raise InvalidArgumentError(
            "pack_sequences needs columns: a list with the one that has the tokens"
        )
    if isinstance(blocks, str) and blocks != "auto":
        raise InvalidArgumentError(f"blocks_per_epoch must be a number or 'auto', not {blocks!r}")
    assert eos_id is not None
    assert pad_id is not None
    return Packing(
        check_positive("pack_sequences", block_tokens),
        integer("eos_id", eos_id),
        integer("pad_id", pad_id),
        None if isinstance(blocks, str) else check_positive_or_none("blocks_per_epoch", blocks),
    )


def check_splits(num_splits: SupportsIndex | None, world_size: int) -> int | None:
    if num_splits is None:
        return None
    splits = check_count("num_splits", num_splits, 1)
    if splits % world_size:
        raise InvalidArgumentError(
            f"num_splits ({splits}) must be divisible by world_size ({world_size})"
        )
    return splits


def check_workers(splits: int, num_workers: int) -> None:
    if splits % num_workers:
        raise InvalidArgumentError(
            f"the splits of a rank ({splits}) must be divisible by num_workers ({num_workers})"
        )
