#!/usr/bin/env python3
"""Train a small classifier in several processes, which read batches in storage order.

    torchrun --nproc-per-node 2 examples/ddp_iterable.py build/digits-in-random-order.lance
    python examples/ddp_iterable.py build/digits-in-random-order.lance    # the same losses

The iterable style: `LanceDataset` reads batches of neighbouring rows, which is fastest, and
`ShardedBatchSampler` deals them to the processes. Neighbours should not be alike then: the digits
are sorted by label, so the first run writes them to a new table in random order, as pixels. What
is random in an epoch is the order of the batches.
"""

import argparse
import io
import os
import pathlib

import pyarrow as pa
import torch
import torch.distributed
from PIL import Image
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

import pilum
from pilum.torch.data import LanceDataset
from pilum.torch.sampler import ShardedBatchSampler

DIGITS = pathlib.Path(__file__).parent / "data" / "digits.lance"
BATCH = 64  # of all processes together


def write_in_random_order(table: pathlib.Path) -> None:
    """The digits, 64 pixels each, in several files."""
    digits = pilum.dataset(DIGITS)
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))
    rows = digits.take(order)
    pixels = b"".join(Image.open(io.BytesIO(png.as_buffer())).tobytes() for png in rows["image"])
    values = pa.Array.from_buffers(pa.uint8(), len(pixels), [None, pa.py_buffer(pixels)])
    images = pa.FixedSizeListArray.from_arrays(values, 64)
    pilum.write_dataset(
        pa.table({"image": images, "label": rows["label"]}), table, max_rows_per_file=500
    )


def train_epoch(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader
) -> torch.Tensor:
    """One pass over the batches of this process; the mean loss."""
    losses = []
    for batch in loader:
        images, labels = batch
        loss = torch.nn.functional.cross_entropy(model(images / 255), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    distributed = "RANK" in os.environ  # set by torchrun
    if distributed:
        torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank() if distributed else 0
    world_size = torch.distributed.get_world_size() if distributed else 1
    if rank == 0 and not options.table.exists():
        write_in_random_order(options.table)
    if distributed:
        torch.distributed.barrier()

    dataset = LanceDataset(options.table, batch_size=BATCH // world_size)
    # It finds rank and world_size itself. Every step has the same number of images.
    sampler = ShardedBatchSampler(dataset, randomize=True, drop_last=True)
    loader = DataLoader(dataset, batch_sampler=sampler, num_workers=0)

    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    if distributed:
        model = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(options.epochs):
        loss = train_epoch(model, optimizer, loader)
        if distributed:
            torch.distributed.all_reduce(loss)
        if rank == 0:
            print(f"epoch {epoch + 1:2}: loss {loss / world_size:.6f}", flush=True)
    if distributed:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
