"""The samplers give a rank the rows that those of the reference library give it."""

import json
import subprocess

import pyarrow as pa
import pytest

import pilum
from pilum.torch.sampler import (
    FullScanSampler,
    ShardedBatchSampler,
    ShardedFixedBatchSampler,
    ShardedFragmentSampler,
)

pytestmark = pytest.mark.peer

ROWS, WORLD = 1000, 3
RANKS = range(WORLD)

PROGRAM = """import json, sys
import lance
from lance.sampler import FullScanSampler, ShardedBatchSampler
from lance.sampler import ShardedFixedBatchSampler, ShardedFragmentSampler

dataset = lance.dataset(sys.argv[1])
ranks = range(int(sys.argv[2]))

def read(sampler, **options):
    batches = sampler(dataset, batch_size=32, columns=["id"], batch_readahead=4, **options)
    return [batch["id"].to_pylist() for batch in batches]

fixed = [dict(batch_size=b, total_num_rows=n) for b, n in ((100, 1000), (7, 50), (4, 13))]
print(json.dumps({
    "all": read(FullScanSampler()),
    "fragments": [read(ShardedFragmentSampler(rank, len(ranks))) for rank in ranks],
    "batches": [read(ShardedBatchSampler(rank, len(ranks))) for rank in ranks],
    "filtered": [
        read(ShardedBatchSampler(rank, len(ranks)), filter="id % 2 = 1") for rank in ranks
    ],
    "fixed": [
        [list(ShardedFixedBatchSampler(rank, len(ranks), **sizes)) for rank in ranks]
        for sizes in fixed
    ],
}))"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("samplers") / "ids.lance"
    pilum.write_dataset(pa.table({"id": range(ROWS)}), path, max_rows_per_file=150)
    return str(path)


@pytest.fixture(scope="module")
def reference(reference_python, uri) -> dict:
    run = subprocess.run(
        [reference_python, "-c", PROGRAM, uri, str(WORLD)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def read(uri, sampler, **options) -> list[list[int]]:
    batches = sampler(pilum.dataset(uri), batch_size=32, columns=["id"], **options)
    return [batch["id"].to_pylist() for batch in batches]


def flat(batches) -> list[int]:
    return [row for batch in batches for row in batch]


@pytest.mark.filterwarnings("ignore:the fragments")
def test_fragments(uri, reference):
    """The same rows in the same order; the reference library ends batches with the fragment."""
    assert flat(read(uri, FullScanSampler())) == flat(reference["all"])
    for rank in RANKS:
        ours = read(uri, ShardedFragmentSampler(rank, WORLD))
        assert flat(ours) == flat(reference["fragments"][rank])


def test_batches(uri, reference):
    """The same batches, but for those of a last round that not every rank has part in."""
    theirs = reference["batches"]
    steps = min(map(len, theirs))
    assert steps < max(map(len, theirs))
    for rank in RANKS:
        assert read(uri, ShardedBatchSampler(rank, WORLD)) == theirs[rank][:steps]


def test_filtered_batches(uri, reference):
    for rank in RANKS:
        ours = read(uri, ShardedBatchSampler(rank, WORLD), filter="id % 2 = 1")
        assert ours == reference["filtered"][rank]


def test_fixed_batches(reference):
    for (size, rows), theirs in zip(
        ((100, 1000), (7, 50), (4, 13)), reference["fixed"], strict=True
    ):
        for rank in RANKS:
            sampler = ShardedFixedBatchSampler(rank, WORLD, batch_size=size, total_num_rows=rows)
            assert list(sampler) == theirs[rank]
