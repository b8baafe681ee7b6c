#!/usr/bin/env python3
"""Train a small classifier on handwritten digits that lie in a Lance table.

    .venv/bin/pilum import examples/data/digits build/digits.lance --mode overwrite
    .venv/bin/python examples/train_digits.py build/digits.lance
    .venv/bin/torchrun --nproc-per-node 2 examples/train_digits.py build/digits.lance

The table holds 1,797 images of 8 x 8 pixels as PNG bytes, and their labels. It is sorted by label,
as folders of images are, so every epoch streams the rows in a new random order, 64 for each step of
all processes together, and losses do not depend on their number. Every fifth row is held back to
measure the accuracy.

With --checkpoint FILE the run can be killed at any moment and goes on where it was, also with
another number of processes: crash_and_resume.py does that. The checkpoint has, beside model and
optimizer, where the stream is, and a receipt of what was delivered: after each epoch it is held
against the table, that every row came once.
"""

import argparse
import io
import os
import pathlib
from typing import Any

import pyarrow as pa
import torch
import torch.distributed
from PIL import Image
from torch.nn.parallel import DistributedDataParallel

import pilum
from pilum.streaming import Receipt, StreamingDataLoader, StreamingDataset

TABLE = pathlib.Path(__file__).parent / "data" / "digits.lance"
BATCH = 64  # of all processes together
NUM_SPLITS = 4  # as many processes as divide it can share an epoch


def decode(rows: pa.RecordBatch) -> list[tuple[torch.Tensor, int]]:
    """Pixels in [0, 1], 64 per image, and labels. The transform of the stream, on its threads."""
    pixels = b"".join(Image.open(io.BytesIO(png.as_buffer())).tobytes() for png in rows["image"])
    images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(rows.num_rows, -1)
    return list(zip(images / 255, rows["label"].to_pylist(), strict=True))


class Processes:
    """Those that train together: one, or as many as torchrun has started."""

    def __init__(self) -> None:
        self.several = "RANK" in os.environ
        if self.several:
            torch.distributed.init_process_group("gloo")
        self.rank = torch.distributed.get_rank() if self.several else 0
        self.count = torch.distributed.get_world_size() if self.several else 1

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        if self.several:
            torch.distributed.all_reduce(value)
        return value

    def receipts(self, own: Receipt) -> list[Receipt]:
        """Of all processes."""
        all_receipts: list[Any] = [own] * self.count
        if self.several:
            torch.distributed.all_gather_object(all_receipts, own)
        return all_receipts


class Run:
    """A training run, and its checkpoint."""

    def __init__(self, table: pilum.Table, processes: Processes) -> None:
        self.table = table
        self.processes = processes
        self.stream = StreamingDataset(
            table,
            num_splits=NUM_SPLITS,
            filter="_rowoffset % 5 != 0",
            shuffle_seed=0,
            rank=processes.rank,
            world_size=processes.count,
            transform=decode,
        )
        self.model = torch.nn.Sequential(
            torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
        )
        self.replica = DistributedDataParallel(self.model) if processes.several else self.model
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=3e-3)
        self.epoch = 0
        self.losses: list[float] = []  # of the steps of the epoch so far
        self.earlier: Receipt | None = None  # of this epoch, from before the run was resumed

    def train_epoch(self, checkpoint: pathlib.Path | None, every: int) -> None:
        self.stream.set_epoch(self.epoch)
        for images, labels in StreamingDataLoader(self.stream, BATCH // self.processes.count):
            loss = torch.nn.functional.cross_entropy(self.replica(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total = self.processes.sum(loss.detach()).item()
            self.losses.append(total / self.processes.count)
            if checkpoint and len(self.losses) % every == 0:
                self.save(checkpoint)

    def receipt(self) -> Receipt:
        """Of the epoch: of all processes, and of those before a crash."""
        first, *others = self.processes.receipts(self.stream.receipt())
        return sum(others, first if self.earlier is None else self.earlier + first)

    def save(self, file: pathlib.Path) -> None:
        """At the end of a step: the state of the stream of one process is that of all."""
        receipt = self.receipt()
        if self.processes.rank == 0:
            state = {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "epoch": self.epoch,
                "losses": self.losses,
                "stream": self.stream.state_dict(),
                "receipt": receipt.to_dict(),
            }
            torch.save(state, file.with_suffix(".new"))
            file.with_suffix(".new").replace(file)

    def load(self, file: pathlib.Path) -> None:
        state = torch.load(file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.losses = state["epoch"], state["losses"]
        self.stream.load_state_dict(state["stream"])
        self.earlier = Receipt.from_dict(state["receipt"])

    def accuracy(self) -> float:
        """On the rows held back."""
        held_back = self.table.search().where("_rowoffset % 5 = 0").to_arrow()
        samples = [s for batch in held_back.to_batches() for s in decode(batch)]
        images, labels = torch.stack([s[0] for s in samples]), torch.tensor([s[1] for s in samples])
        with torch.no_grad():
            return (self.model(images).argmax(dim=1) == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=pathlib.Path, nargs="?", default=TABLE)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--checkpoint", type=pathlib.Path, help="goes on from it if it is there")
    parser.add_argument("--every", type=int, default=5, help="steps between checkpoints")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the model is too small to be shared by several

    processes = Processes()
    say = print if processes.rank == 0 else lambda *_, **__: None
    table = pilum.connect(options.table.parent).open_table(options.table.stem)
    run = Run(table, processes)
    say(f"table {options.table}, version {table.version}, {len(table)} rows")
    if options.checkpoint and options.checkpoint.exists():
        run.load(options.checkpoint)
        say(f"goes on behind step {len(run.losses)} of epoch {run.epoch + 1}")
    while run.epoch < options.epochs:
        run.train_epoch(options.checkpoint, options.every)
        receipt = run.receipt()
        receipt.verify(table)  # every row was delivered once, to whatever process
        loss = sum(run.losses) / len(run.losses)
        say(f"epoch {run.epoch + 1:2}: loss {loss:.4f}, {receipt.rows} rows, each once", flush=True)
        run.epoch, run.losses, run.earlier = run.epoch + 1, [], None
    say(f"accuracy on the rows held back: {run.accuracy():.1%}")
    if processes.several:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
