"""Checkpoints of a stream: what they say, whether they fit, and what several say together.

A state is a dict of JSON:

    shuffle_seed, num_splits, epoch
    samples_consumed_per_split     delivered, of each split; of the splits of other ranks a lower
                                   bound
    positions_consumed_per_split   gone past in each split: delivered or skipped
    global_samples                 delivered by all readers, if they are as far as this one. Where
                                   they are, at the end of a global batch, it says how far every
                                   split is
    shuffle, shuffle_clump_size, filter, table_version
                                   what else decides which rows come when

Where the keys are from: LanceDB's StreamingDataset has the first five.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pilum.errors import InvalidArgumentError

SAMPLES, PLACES = "samples_consumed_per_split", "positions_consumed_per_split"
_GLOBAL = "global_samples"

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


class PackProgress(NamedTuple):
    """How far each split of a packed stream is."""

    blocks: list[int]
    places: list[int]  #: of the row that the next block begins in
    offsets: list[int]  #: tokens of that row that were delivered


def at_start(num_splits: int) -> Progress:
    return Progress([0] * num_splits, [0] * num_splits)


def advance(progress: Progress, share: Share, samples: int) -> Progress:
    """After the next samples of a share, none of them skipped. Splits that lag come first; then one
    sample of each split in turn."""
    own = share.own
    counts = [progress.samples[split] for split in own]
    more = [0] * len(own)
    for round in range(min(counts), max(counts)):
        for i, count in enumerate(counts):
            if samples and count + more[i] <= round:
                more[i] += 1
                samples -= 1
    whole, rest = divmod(samples, len(own))
    moved = Progress(list(progress.samples), list(progress.places))
    for i, split in enumerate(own):
        moved.samples[split] += more[i] + whole + (i < rest)
        moved.places[split] += more[i] + whole + (i < rest)
    return moved


def after(samples: int, num_splits: int) -> list[int]:
    """Of each split, after the first samples of an epoch."""
    return [(samples + num_splits - 1 - split) // num_splits for split in range(num_splits)]


def known_to(progress: Progress, share: Share) -> Progress:
    """What one reader knows: of the splits of others, that they are at least as far as the one of
    its own that has delivered least."""
    least = min(progress.samples[split] for split in share.own)
    known = Progress([least] * len(progress.samples), [least] * len(progress.samples))
    for split in share.own:
        known.samples[split] = progress.samples[split]
        known.places[split] = progress.places[split]
    return known


def make_state(facts: Facts, epoch: int, progress: Progress, share: Share) -> Facts:
    return {
        **facts,
        "epoch": epoch,
        SAMPLES: progress.samples,
        PLACES: progress.places,
        _GLOBAL: sum(progress.samples[split] for split in share.own) * share.readers,
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


def progress_of(state: Facts) -> Progress:
    """How far the splits are by a state that fits."""
    known = _known(state)
    if (
        _GLOBAL in state
        and known.samples == known.places
        and _is_regular(known.samples, state[_GLOBAL])
    ):
        everywhere = after(state[_GLOBAL], state["num_splits"])
        return Progress(everywhere, everywhere)
    return known


def _known(state: Facts) -> Progress:
    samples = numbers_of(state, SAMPLES, state["num_splits"])
    places = numbers_of(state, PLACES, state["num_splits"]) if PLACES in state else samples
    return Progress(samples, places)


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
    facts = {k: v for k, v in states[0].items() if k not in (SAMPLES, PLACES, _GLOBAL)}
    for state in states[1:]:
        check_same_facts(facts, state)
    known = [_known(state) for state in states]
    if all(_GLOBAL in state for state in states):
        if not _equally_far(states, known):
            return facts | _joined(states, known)
        facts[_GLOBAL] = states[0][_GLOBAL]
    return facts | {
        SAMPLES: [max(split) for split in zip(*(k.samples for k in known), strict=True)],
        PLACES: [max(split) for split in zip(*(k.places for k in known), strict=True)],
    }


def _equally_far(states: Sequence[Facts], known: list[Progress]) -> bool:
    first = states[0][_GLOBAL]
    return all(state[_GLOBAL] == first for state in states) and all(
        _is_regular(progress.samples, first) for progress in known
    )


def _joined(states: Sequence[Facts], known: list[Progress]) -> Facts:
    """The splits of each rank by its own state."""
    ranks = len(states)
    for rank, (state, progress) in enumerate(zip(states, known, strict=True)):
        own = progress.samples[rank::ranks]
        if len(progress.samples) % ranks or sum(own) * ranks != state[_GLOBAL]:
            raise InvalidArgumentError(
                "the states are not equally far; such are merged if they are those of all ranks, "
                "in the order of the ranks"
            )
    splits = range(len(known[0].samples))
    return {
        SAMPLES: [known[split % ranks].samples[split] for split in splits],
        PLACES: [known[split % ranks].places[split] for split in splits],
    }


def check_same_facts(facts: Facts, state: Facts) -> None:
    for key, value in facts.items():
        if key not in state or state[key] != value:
            raise InvalidArgumentError(
                f"{key} mismatch: one state has {json.dumps(value)}, another "
                f"{json.dumps(state.get(key))}"
            )
