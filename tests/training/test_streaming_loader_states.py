"""StreamingDataLoader: its states, however batches are made and workers start."""

import itertools
from typing import NamedTuple

import pyarrow as pa
import pytest

import pilum

pytest.importorskip("torch")

from pilum.streaming import StreamingDataLoader, StreamingDataset

ROWS, DOCUMENTS, SIZE = 110, 40, 7
SECONDS = 120  # for a worker to answer: longer is a hang


def numbers(batch):
    return batch["id"].to_pylist()


def most_numbers(batch):
    """Fails for a row in 17, once in a while for two of a batch."""
    if any(i % 17 == 0 for i in numbers(batch)):
        raise ValueError
    return numbers(batch)


PACKED = {
    "columns": ["tokens"],
    "pack_sequences": 4,
    "eos_id": 100,
    "pad_id": 101,
    "blocks_per_epoch": 48,
}
KINDS = {
    "plain": {},
    "transform": {"transform": numbers},
    "skipping": {
        "transform": most_numbers,
        "on_transform_error": "skip",
        "read_batch_size": 3,
    },
    "packed": PACKED,
}


@pytest.fixture(scope="module")
def tables():
    db = pilum.connect("memory://")
    table = db.create_table("numbers", pa.table({"id": range(ROWS)}))
    lists = pa.table({"tokens": [[i] * (i % 9) for i in range(DOCUMENTS)]})
    return dict.fromkeys(KINDS, table) | {"packed": db.create_table("documents", lists)}


def loader_of(tables, kind, num_workers, method="fork", **options):
    if num_workers:
        options |= {"multiprocessing_context": method, "timeout": SECONDS}
    stream = StreamingDataset(tables[kind], num_splits=4, shuffle_seed=3, **KINDS[kind])
    return StreamingDataLoader(stream, SIZE, num_workers=num_workers, **options)


def lists(batches):
    return [
        (next(iter(batch.values())) if isinstance(batch, dict) else batch).tolist()
        for batch in batches
    ]


def states_of(loader):
    """Before the first batch, behind each, and at the end."""
    return [loader.state_dict(), *(loader.state_dict() for _ in loader), loader.state_dict()]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_states_do_not_depend_on_the_number_of_workers(tables, kind, drop_last):
    here, one, two = (
        states_of(loader_of(tables, kind, num_workers, drop_last=drop_last))
        for num_workers in range(3)
    )
    assert len(here) > 6
    assert here == one == two


class Case(NamedTuple):
    kind: str
    method: str
    persistent_workers: bool
    drop_last: bool
    before: int  #: workers of the loader that the state is of
    after: int  #: and of the one that goes on


#: Every two of kind, method, persistent_workers and drop_last meet in one of these, but for
#: the slowest: a transform is spawned as one that skips is.
CASES = [
    Case(kind, method, bool((i + j) % 2), bool((i // 2 + j) % 2), *workers)
    for i, kind in enumerate(KINDS)
    for j, (method, workers) in enumerate(
        {"fork": (2, 1), "forkserver": (1, 0), "spawn": (0, 1)}.items()
    )
    if (kind, method) != ("transform", "spawn")
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_no_row_is_repeated_or_skipped(tables, case):
    def make(num_workers):
        options = {"drop_last": case.drop_last}
        if num_workers:
            options |= {"persistent_workers": case.persistent_workers}
        return loader_of(tables, case.kind, num_workers, case.method, **options)

    whole = lists(make(0))
    loader = make(case.before)
    batches = iter(loader)
    begun = lists(itertools.islice(batches, 3))
    state, receipt = loader.state_dict(), loader.receipt()
    resumed = make(case.after)
    resumed.load_state_dict(state)
    assert begun + lists(resumed) == whole
    if not case.drop_last:
        (receipt + resumed.receipt()).verify(tables[case.kind])
    assert begun + lists(batches) == whole
    assert loader.state_dict() == resumed.state_dict()
    if case.persistent_workers:
        assert lists(resumed) == whole
