"""Checkpoints of a stream: what they say, whether they fit, and what several say together.

A state is a dict of JSON:

    shuffle_seed, num_splits, epoch
    samples_consumed_per_split     delivered, of each split; of those of other readers if they have
                                   made as many steps as this one
    positions_consumed_per_split   gone past in each split: delivered or skipped
    global_samples                 delivered by all readers, if they are as far as this one
    rank, world_size               of the reader whose state this is. rank is None where it says all
                                   for all, world_size where it is merged
    shuffle, shuffle_clump_size, filter, table_version, num_rows
                                   what else decides which rows come when

Readers that leave no rows out are equally far at the end of a global batch: then all have the same
state. One that may leave rows out on its own knows nothing about the splits of others: the lists
have a lower bound there, and rank says whose splits they are about.

Where the keys are from: LanceDB's StreamingDataset has the first five. Which keys there are does
not change on the way: torch.distributed.checkpoint loads those that a fresh state has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pilum.errors import InvalidArgumentError
from pilum.torch.process import check_rank

SAMPLES, PLACES = "samples_consumed_per_split", "positions_consumed_per_split"
_GLOBAL = "global_samples"
RANK, WORLD_SIZE = "rank", "world_size"

#: What must be the same for a state to mean the same rows.
Facts = dict[str, Any]


class Share(NamedTuple):
    """What one of the readers of an epoch delivers: the splits rank, rank + readers, ..."""

    num_splits: int
    rank: int
    readers: int

    @property
    def own(self) -> range:
        return range(self.rank, self.num_splits, self.readers)


class Progress(NamedTuple):
    """How far each split is."""

    samples: list[int]
    places: list[int]
    of_all: bool = True  #: False: of the splits of other readers a lower bound


class PackProgress(NamedTuple):
    """How far each split of a packed stream is."""

    blocks: list[int]
    places: list[int]  #: of the row that the next block begins in
    offsets: list[int]  #: tokens of that row that were delivered


def at_start(num_splits: int) -> Progress:
    return Progress([0] * num_splits, [0] * num_splits)


def advance(progress: Progress, readers: int, samples: int, split_rows: int) -> Progress:
    """After so many more samples of each of the readers, none of them skipped; one that comes to
    the end of its splits, which have `split_rows` rows, stays there."""
    moved = Progress(list(progress.samples), list(progress.places), progress.of_all)
    for rank in range(readers):
        own = Share(len(progress.samples), rank, readers).own
        counts = [progress.samples[split] for split in own]
        for split, before, now in zip(own, counts, _in_turns(counts, samples), strict=True):
            more = min(now - before, split_rows - progress.places[split])
            moved.samples[split] += more
            moved.places[split] += more
    return moved


def _in_turns(counts: list[int], samples: int) -> list[int]:
    """Of each split of a reader, after so many more: one by one of that which has delivered least,
    of equals the first."""
    lowest, total = sorted(counts), samples
    for number, count in enumerate(lowest, 1):  # the splits whose turn it was
        total += count
        level, rest = divmod(total, number)
        if number == len(lowest) or level < lowest[number]:
            break
    after = []
    for count in counts:
        took_turns = count <= level
        after.append(level + (rest > 0) if took_turns else count)
        rest -= took_turns
    return after


def after(samples: int, num_splits: int) -> list[int]:
    """Of each split, after the first samples of an epoch."""
    return [(samples + num_splits - 1 - split) // num_splits for split in range(num_splits)]


def known_to(progress: Progress, share: Share) -> Progress:
    """What one reader knows: of the splits of others, that they are at least as far as the one of
    its own that has delivered least."""
    least = min(progress.samples[split] for split in share.own)
    bounds = [least] * len(progress.samples)
    known = Progress(bounds, list(bounds), of_all=share.readers == 1)
    for split in share.own:
        known.samples[split] = progress.samples[split]
        known.places[split] = progress.places[split]
    return known


def make_state(facts: Facts, epoch: int, progress: Progress, share: Share) -> Facts:
    """That of the reader of a share."""
    state = {**facts, "epoch": epoch, **_keys_of(progress), WORLD_SIZE: share.readers}
    if progress.of_all:
        return state
    of_own = sum(progress.samples[split] for split in share.own)
    return state | {_GLOBAL: of_own * share.readers, RANK: share.rank}


def _keys_of(progress: Progress) -> Facts:
    """What says it for all."""
    return {
        SAMPLES: progress.samples,
        PLACES: progress.places,
        _GLOBAL: sum(progress.samples),
        RANK: None,
        WORLD_SIZE: None,
    }


def check_state(state: object) -> Facts:
    """The state, if it is one."""
    if not isinstance(state, Mapping):
        raise TypeError(f"a state must be a dict, not {type(state).__name__}")
    for key in ("shuffle_seed", "num_splits", SAMPLES):
        if key not in state:
            raise InvalidArgumentError(f"the state has no {key!r}: it is of something else")
    for key, least in {"num_splits": 1, _GLOBAL: 0}.items():
        if key in state and not (_is_count(state[key]) and state[key] >= least):
            raise InvalidArgumentError(
                f"the state has {state[key]!r} as {key}, not a number of at least {least}"
            )
    if state.get(RANK) is not None:
        check_rank(state[RANK], state.get(WORLD_SIZE, 0))
    return dict(state)


def check_fit(state: Facts, facts: Facts) -> None:
    """InvalidArgumentError, which names what differs, unless the state is of the same rows in the
    same order. Facts that it does not have, as older ones, are not compared."""
    for key, ours in facts.items():
        if key in state and state[key] != ours:
            message = f"{key} mismatch: the state has {state[key]!r}, this dataset {ours!r}"
            if key == "num_splits":
                message += "; pass num_splits, so that it does not depend on the world size"
            if key == "table_version":
                message += f"; open the table at the version of the state: checkout({state[key]})"
            raise InvalidArgumentError(message)


def check_whose(state: Facts, rank: int, readers: int) -> None:
    """InvalidArgumentError unless a state that fits says all about the splits of a reader."""
    if state.get(RANK) is None:
        return
    whose, among = state[RANK], state[WORLD_SIZE]
    if readers % among or rank % among != whose:
        raise InvalidArgumentError(
            f"the state is that of rank {whose} of {among}, which knows nothing about the splits "
            "of others: merge the states of all ranks, by merge_state_dicts"
        )


def progress_of(state: Facts) -> Progress:
    """How far the splits are by a state that fits."""
    known = _known(state)
    if (
        known.of_all
        and _GLOBAL in state
        and known.samples == known.places
        and _is_regular(known.samples, state[_GLOBAL])
    ):  # of other ranks it may have a bound only, as states had before
        everywhere = after(state[_GLOBAL], state["num_splits"])
        return Progress(everywhere, everywhere)
    return known


def _known(state: Facts) -> Progress:
    samples = numbers_of(state, SAMPLES, state["num_splits"])
    places = numbers_of(state, PLACES, state["num_splits"]) if PLACES in state else samples
    return Progress(samples, places, of_all=state.get(RANK) is None)


def _is_regular(samples: list[int], global_samples: int) -> bool:
    """Whether no split is further than after so many samples of all readers. Then none of this
    reader lags behind, either: together they are as far."""
    everywhere = after(global_samples, len(samples))
    return all(known <= there for known, there in zip(samples, everywhere, strict=True))


def numbers_of(state: Facts, key: str, num_splits: int) -> list[int]:
    numbers = state[key]
    if _is_count(numbers):
        return [numbers] * num_splits
    if not isinstance(numbers, Sequence) or isinstance(numbers, str):
        raise TypeError(f"{key} must be a list of integers, not {type(numbers).__name__}")
    if len(numbers) != num_splits or not all(map(_is_count, numbers)):
        raise InvalidArgumentError(
            f"{key} must be {num_splits} numbers of at least 0, one for each split, not {numbers}"
        )
    return list(numbers)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def merge_states(states: Sequence[Facts]) -> Facts:
    """What the states of several ranks say together. If these are not equally far, what a rank says
    about the splits of the others counts for nothing: then the states of all ranks are needed, in
    the order of the ranks."""
    if not states:
        raise InvalidArgumentError("merging takes at least one state")
    of_progress = (SAMPLES, PLACES, _GLOBAL, RANK, WORLD_SIZE)
    facts = {key: value for key, value in states[0].items() if key not in of_progress}
    for state in states[1:]:
        check_same_facts(facts, state)
    if not all(_GLOBAL in state for state in states):
        return facts | _furthest(states)
    progress = [progress_of(state) for state in states]
    first = progress[0]
    if not (first.of_all and all(other == first for other in progress)):
        first = _joined(states)
    return facts | _keys_of(first)


def _furthest(states: Sequence[Facts]) -> Facts:
    """By lower bounds, as LanceDB's states have them."""
    known = [_known(state) for state in states]
    return {
        SAMPLES: [max(split) for split in zip(*(k.samples for k in known), strict=True)],
        PLACES: [max(split) for split in zip(*(k.places for k in known), strict=True)],
    }


def _joined(states: Sequence[Facts]) -> Progress:
    """The splits of each rank by its own state."""
    known, ranks = [_known(state) for state in states], len(states)
    for rank, (state, progress) in enumerate(zip(states, known, strict=True)):
        if not _is_of(state, progress, rank, ranks):
            raise InvalidArgumentError(
                "the states are not equally far, or rows may be left out; such are merged if they "
                "are those of all ranks, in the order of the ranks"
            )
    splits = range(len(known[0].samples))
    return Progress(
        [known[split % ranks].samples[split] for split in splits],
        [known[split % ranks].places[split] for split in splits],
    )


def _is_of(state: Facts, progress: Progress, rank: int, ranks: int) -> bool:
    """Whether a state may be that of a rank."""
    if len(progress.samples) % ranks:
        return False
    if WORLD_SIZE in state:
        return state[WORLD_SIZE] == ranks and state.get(RANK) in (None, rank)
    return sum(progress.samples[rank::ranks]) * ranks == int(state[_GLOBAL])


def check_same_facts(facts: Facts, state: Facts) -> None:
    for key, value in facts.items():
        if key not in state or state[key] != value:
            raise InvalidArgumentError(
                f"{key} mismatch: one state has {json.dumps(value)}, another "
                f"{json.dumps(state.get(key))}"
            )
