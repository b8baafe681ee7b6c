#!/usr/bin/env python3
"""Train a small classifier in several processes, which read rows by number.

    torchrun --nproc-per-node 2 examples/ddp_map_style.py
    python examples/ddp_map_style.py                          # in one process: the same losses

The map style: `SafeLanceDataset` gives rows by number, and the `DistributedSampler` of PyTorch
shuffles the numbers for each epoch and deals them to the processes. Workers read and decode the
images, 64 for each step of all processes together.
"""

import argparse
import io
import os
import pathlib

import torch
import torch.distributed
from PIL import Image
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

from pilum.torch.data import SafeLanceDataset, get_safe_loader

TABLE = pathlib.Path(__file__).parent / "data" / "digits.lance"
BATCH = 64  # of all processes together


def decode(rows: list[dict]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels in [0, 1], one row of 64 per image, and labels."""
    pixels = b"".join(Image.open(io.BytesIO(row["image"])).tobytes() for row in rows)
    images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(len(rows), -1)
    return images / 255, torch.tensor([row["label"] for row in rows])


def train_epoch(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader
) -> torch.Tensor:
    """One pass over the rows of this process; the mean loss."""
    losses = []
    for images, labels in loader:
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=pathlib.Path, nargs="?", default=TABLE)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1, help="for each process")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    distributed = "RANK" in os.environ  # set by torchrun
    if distributed:
        torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank() if distributed else 0
    world_size = torch.distributed.get_world_size() if distributed else 1

    dataset = SafeLanceDataset(options.table)
    sampler = DistributedSampler(dataset, world_size, rank)
    loader = get_safe_loader(
        dataset,
        BATCH // world_size,
        options.workers,
        sampler=sampler,
        collate_fn=decode,
        drop_last=True,  # every step has the same number of images
    )

    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    if distributed:
        model = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(options.epochs):
        sampler.set_epoch(epoch)
        loss = train_epoch(model, optimizer, loader)
        if distributed:
            torch.distributed.all_reduce(loss)
        if rank == 0:
            print(f"epoch {epoch + 1:2}: loss {loss / world_size:.6f}", flush=True)
    if distributed:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
