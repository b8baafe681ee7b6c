#!/usr/bin/env python3
"""Train a small classifier on handwritten digits that lie in a Lance table.

    .venv/bin/python examples/train_digits.py

The table `digits` holds 1,797 images of 8 x 8 pixels as PNG bytes, and their labels. Every epoch
reads it batch by batch, decodes the images and takes a step per 64 of them. Every fifth row is held
back to measure the accuracy.
"""

import argparse
import io
import pathlib
import time
from collections.abc import Iterator

import pyarrow as pa
import torch
from PIL import Image

import pilum

DATABASE = pathlib.Path(__file__).parent / "data"
HELD_BACK = 5  # one row in so many


def decode(batch: pa.RecordBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels in [0, 1], one row of 64 per image, and labels."""
    pixels = b"".join(Image.open(io.BytesIO(png.as_buffer())).tobytes() for png in batch["image"])
    images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(batch.num_rows, -1)
    return images / 255, torch.tensor(batch["label"].to_pylist())


def read(table: pilum.Table, *, training: bool) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The images and labels of one part of the table, a batch at a time."""
    first = 0
    for batch in table:
        images, labels = decode(batch)
        held_back = torch.arange(first, first + len(labels)) % HELD_BACK == 0
        chosen = ~held_back if training else held_back
        yield images[chosen], labels[chosen]
        first += len(labels)


def train_epoch(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, table: pilum.Table
) -> float:
    """One pass over the training rows; the mean loss."""
    losses = []
    for images, labels in read(table, training=True):
        for part in torch.randperm(len(labels)).split(64):
            loss = torch.nn.functional.cross_entropy(model(images[part]), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return sum(losses) / len(losses)


def accuracy(model: torch.nn.Module, table: pilum.Table) -> float:
    right = total = 0
    with torch.no_grad():
        for images, labels in read(table, training=False):
            right += int((model(images).argmax(dim=1) == labels).sum())
            total += len(labels)
    return right / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # the model is too small to be shared by several

    table = pilum.connect(DATABASE).open_table("digits")
    print(f"table {table.name}, version {table.version}, {len(table)} rows, from {table.uri}")
    print("columns: " + ", ".join(f"{field.name} ({field.type})" for field in table.schema))

    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(options.epochs):
        start = time.perf_counter()
        loss = train_epoch(model, optimizer, table)
        seconds = time.perf_counter() - start
        print(f"epoch {epoch + 1:2}: loss {loss:.4f}, {len(table) / seconds:,.0f} rows/s")
    print(f"accuracy on the rows held back: {accuracy(model, table):.1%}")


if __name__ == "__main__":
    main()
