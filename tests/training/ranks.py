"""Reads a table of the ids 0, 1, 2, … in one process of a job, and writes down what it got.

    torchrun --nproc-per-node 2 ranks.py TABLE FOLDER

The environment is emptied first: the process group alone knows the rank, and the worker processes
that are spawned know nothing.
"""

import json
import os
import pathlib
import sys

import torch.distributed
from torch.utils.data import DataLoader

from pilum.torch.data import LanceDataset
from pilum.torch.sampler import ShardedBatchSampler, ShardedFragmentSampler


def main() -> None:
    table, folder = sys.argv[1:]
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    for name in ("RANK", "WORLD_SIZE"):
        del os.environ[name]

    def stream(workers: dict, **options) -> list[list[int]]:
        dataset = LanceDataset(table, 8, columns=["id"], **options)
        return [batch.tolist() for batch in DataLoader(dataset, batch_size=None, **workers)]

    def by_keys(workers: dict) -> list[list[int]]:
        dataset = LanceDataset(table, 8, columns=["id"])
        loader = DataLoader(dataset, batch_sampler=ShardedBatchSampler(dataset), **workers)
        return [batch.tolist() for batch in loader]

    forked = {"num_workers": 2, "multiprocessing_context": "fork"}
    spawned = {"num_workers": 1, "multiprocessing_context": "spawn"}
    batches = {
        "batches": stream({}, shard_granularity="batch"),
        "batches, forked": stream(forked, shard_granularity="batch"),
        "batches, spawned": stream(spawned, shard_granularity="batch"),
        "padded fragments": stream({}, sampler=ShardedFragmentSampler.from_torch(pad=True)),
        "called": stream(forked, sampler=ShardedBatchSampler.from_torch()),
        "keys": by_keys({}),
        "keys, forked": by_keys(forked),
    }
    (pathlib.Path(folder) / f"{rank}.json").write_text(json.dumps(batches))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
