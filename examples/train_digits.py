#!/usr/bin/env python3
"""Train a small classifier on handwritten digits that lie in a Lance table.

    .venv/bin/pilum import examples/data/digits build/digits.lance --mode overwrite
    .venv/bin/python examples/train_digits.py build/digits.lance

The table holds 1,797 images of 8 x 8 pixels as PNG bytes, and their labels. It is sorted by label,
as folders of images are, so every epoch takes the rows in a new random order, 64 for each step.
Every fifth row is held back to measure the accuracy.
"""

import argparse
import io
import pathlib
import time

import pyarrow as pa
import torch
from PIL import Image

import pilum

TABLE = pathlib.Path(__file__).parent / "data" / "digits.lance"
HELD_BACK = 5  # one row in so many
BATCH = 64


def decode(rows: pa.Table) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels in [0, 1], one row of 64 per image, and labels."""
    pixels = b"".join(Image.open(io.BytesIO(png.as_buffer())).tobytes() for png in rows["image"])
    images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(rows.num_rows, -1)
    return images / 255, torch.tensor(rows["label"].to_pylist())


def read(dataset: pilum.Dataset, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The images and labels of rows by their numbers, in that order."""
    return decode(dataset.take(rows.tolist(), columns=["image", "label"]))


def train_epoch(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    dataset: pilum.Dataset,
    rows: torch.Tensor,
) -> float:
    """One pass over the rows in random order; the mean loss."""
    losses = []
    for part in rows[torch.randperm(len(rows))].split(BATCH):
        images, labels = read(dataset, part)
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def accuracy(model: torch.nn.Module, dataset: pilum.Dataset, rows: torch.Tensor) -> float:
    images, labels = read(dataset, rows)
    with torch.no_grad():
        return (model(images).argmax(dim=1) == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=pathlib.Path, nargs="?", default=TABLE)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # the model is too small to be shared by several

    dataset = pilum.dataset(options.table)
    print(f"table {dataset.uri}, version {dataset.version}, {len(dataset)} rows")
    print("columns: " + ", ".join(f"{field.name} ({field.type})" for field in dataset.schema))
    rows = torch.arange(len(dataset))
    training, held_back = rows[rows % HELD_BACK != 0], rows[rows % HELD_BACK == 0]

    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(options.epochs):
        start = time.perf_counter()
        loss = train_epoch(model, optimizer, dataset, training)
        seconds = time.perf_counter() - start
        print(f"epoch {epoch + 1:2}: loss {loss:.4f}, {len(training) / seconds:,.0f} rows/s")
    print(f"accuracy on the rows held back: {accuracy(model, dataset, held_back):.1%}")


if __name__ == "__main__":
    main()
