"""Which process of a distributed job this is."""

from __future__ import annotations

import operator
import os
import sys
from typing import NamedTuple, SupportsIndex

from pilum.errors import InvalidArgumentError
from pilum.scanner import check_count


class Rank(NamedTuple):
    """One process of those that train together."""

    rank: int
    world_size: int


def check_rank(rank: SupportsIndex, world_size: SupportsIndex) -> Rank:
    """The rank, if the job can have it."""
    size = check_count("world_size", _no_bool("world_size", world_size), 1)
    number = operator.index(_no_bool("rank", rank))
    if not 0 <= number < size:
        raise InvalidArgumentError(
            f"rank must be at least 0 and less than world_size, {size}, not {number}"
        )
    return Rank(number, size)


def check_rank_or_none(rank: SupportsIndex | None, world_size: SupportsIndex | None) -> Rank | None:
    """The rank that is given; None if none is."""
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None:
        raise InvalidArgumentError("rank and world_size must be given together")
    return check_rank(rank, world_size)


def _no_bool(name: str, value: SupportsIndex) -> SupportsIndex:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    return value


def process_group_rank() -> Rank | None:
    """The rank in torch.distributed; None where no process group is initialised."""
    if "torch.distributed" not in sys.modules:
        return None  # then nothing has initialised one
    import torch.distributed

    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return None
    return Rank(torch.distributed.get_rank(), torch.distributed.get_world_size())


def require_process_group_rank() -> Rank:
    """The rank in torch.distributed, which must be initialised."""
    rank = process_group_rank()
    if rank is None:
        raise InvalidArgumentError(
            "the default process group has not been initialized: call "
            "torch.distributed.init_process_group() first, or give rank and world_size"
        )
    return rank


def find_rank() -> Rank | None:
    """The rank in torch.distributed, or in the environment that torchrun gives its processes."""
    return process_group_rank() or _environment_rank()


def _environment_rank() -> Rank | None:
    try:
        rank, world_size = os.environ["RANK"], os.environ["WORLD_SIZE"]
    except KeyError:
        return None
    try:
        return check_rank(int(rank), int(world_size))
    except ValueError as error:
        raise InvalidArgumentError(
            f"the environment has RANK={rank!r} and WORLD_SIZE={world_size!r}: {error}"
        ) from None
