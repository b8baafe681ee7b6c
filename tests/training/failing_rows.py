"""An epoch of batches in each of which rows may fail, with an all-reduce in each step.

    torchrun --nproc-per-node N failing_rows.py TABLE FOLDER NUM_WORKERS

Each process writes down its batches, to FOLDER/RANK.json. Rank 0 leaves out more rows than others.
"""

import json
import pathlib
import sys

import torch.distributed

import pilum
from pilum.streaming import StreamingDataLoader, StreamingDataset


class Failing:
    def __init__(self, rank: int) -> None:
        self.every = 3 if rank == 0 else 11

    def __call__(self, batch):
        numbers = batch["id"].to_pylist()
        if any(number % self.every == 0 for number in numbers):
            raise ValueError("a bad row")
        return numbers


def main() -> None:
    table, folder, workers = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    torch.distributed.init_process_group("gloo")
    rank, world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    stream = StreamingDataset(
        pilum.connect(table.parent).open_table(table.stem),
        num_splits=12,
        rank=rank,
        world_size=world_size,
        transform=Failing(rank),
        transform_parallelism=2,
        on_transform_error="skip",
    )
    batches = []
    for batch in StreamingDataLoader(stream, 24 // world_size, num_workers=workers):
        torch.distributed.all_reduce(torch.tensor(len(batch)))  # hangs unless all have a batch
        batches.append(batch.tolist())
    (folder / f"{rank}.json").write_text(json.dumps(batches))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
