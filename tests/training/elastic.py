"""Some steps of a run that goes on, whatever the number of its processes, where it was left.

    torchrun --nproc-per-node N elastic.py TABLE FOLDER STEPS rows|blocks

Each process writes down its batches of the steps and the receipt, to FOLDER/RANK.json. The state is
in FOLDER/checkpoint, in the form of torch.distributed.checkpoint: with rows that of any rank, with
blocks that of all, merged.
"""

import itertools
import json
import pathlib
import sys

import torch.distributed
import torch.distributed.checkpoint

import pilum
from pilum.streaming import StreamingDataset

GLOBAL_BATCH = 24
OPTIONS = {"num_splits": 12, "shuffle_seed": 7, "filter": "id % 5 != 0"}
BLOCKS = {
    "columns": ["tokens"],
    "pack_sequences": 8,
    "eos_id": 1000,
    "pad_id": 1001,
    "blocks_per_epoch": 240,
}


def main() -> None:
    table, folder, steps = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    is_packed = sys.argv[4] == "blocks"
    torch.distributed.init_process_group("gloo")
    rank, world_size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    stream = StreamingDataset(
        pilum.connect(table.parent).open_table(table.stem),
        rank=rank,
        world_size=world_size,
        **OPTIONS | (BLOCKS if is_packed else {}),
    )
    value = (lambda block: block["input_ids"].tolist()) if is_packed else (lambda row: row["id"])
    checkpoint = folder / "checkpoint"
    if checkpoint.exists():
        saved = {"stream": stream.state_dict()}
        torch.distributed.checkpoint.load(saved, checkpoint_id=checkpoint)
        stream.load_state_dict(saved["stream"])
    samples = iter(stream)
    batches = []
    for _ in range(steps):
        batch = [value(s) for s in itertools.islice(samples, GLOBAL_BATCH // world_size)]
        done = torch.tensor(len(batch))
        torch.distributed.all_reduce(done)  # hangs unless all ranks make the same steps
        batches.append(batch)
    state = stream.state_dict()
    if is_packed:
        state = merged(state)
    torch.distributed.checkpoint.save({"stream": state}, checkpoint_id=checkpoint)
    receipt = stream.receipt().to_dict()
    (folder / f"{rank}.json").write_text(json.dumps({"batches": batches, "receipt": receipt}))
    torch.distributed.destroy_process_group()


def merged(state: dict) -> dict:
    states = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(states, state)
    return StreamingDataset.merge_state_dicts(states)


if __name__ == "__main__":
    main()
