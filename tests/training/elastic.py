"""Some steps of a run that goes on, whatever the number of its processes, where it was left.

    torchrun --nproc-per-node N elastic.py TABLE FOLDER STEPS

Each process writes down its batches of the steps, to FOLDER/RANK.json. The state is in
FOLDER/checkpoint, in the form of torch.distributed.checkpoint.
"""

import itertools
import json
import pathlib
import sys

import torch.distributed
import torch.distributed.checkpoint

import pilum
from pilum.streaming import StreamingDataset

NUM_SPLITS, GLOBAL_BATCH = 12, 24


def main() -> None:
    table, folder, steps = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    torch.distributed.init_process_group("gloo")
    rank, world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    stream = StreamingDataset(
        pilum.connect(table.parent).open_table(table.stem),
        num_splits=NUM_SPLITS,
        shuffle_seed=7,
        filter="id % 5 != 0",
        rank=rank,
        world_size=world_size,
    )
    checkpoint = folder / "checkpoint"
    if checkpoint.exists():
        saved = {"stream": stream.state_dict()}
        torch.distributed.checkpoint.load(saved, checkpoint_id=checkpoint)
        stream.load_state_dict(saved["stream"])
    samples = iter(stream)
    batches = []
    for _ in range(steps):
        batch = [s["id"] for s in itertools.islice(samples, GLOBAL_BATCH // world_size)]
        done = torch.tensor(len(batch))
        torch.distributed.all_reduce(done)  # hangs unless all ranks make the same steps
        batches.append(batch)
    torch.distributed.checkpoint.save({"stream": stream.state_dict()}, checkpoint_id=checkpoint)
    (folder / f"{rank}.json").write_text(json.dumps(batches))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
