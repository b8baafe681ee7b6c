"""Rows of a table by number, for the worker processes of a DataLoader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.utils.data

from pilum.torch.source import Source, open_dataset


class SafeLanceDataset(torch.utils.data.Dataset[dict[str, Any]]):
    """A map-style dataset: `dataset[7]` is a row, a dict of Python values.

    A DataLoader gets the rows of a batch by one read. The length and the version are those of the
    moment when it was made, in every process. It pickles as an address, which a worker process
    opens when it first reads; forked children can use it as it is. Thread-safe.

    dataset_options   those of `pilum.dataset`: version, branch, storage_options

    A row number that does not exist is an IndexError; negative ones do not.
    """

    def __init__(self, uri: Source, *, dataset_options: Mapping[str, Any] | None = None) -> None:
        self._dataset = open_dataset(uri, dataset_options)
        self._rows = len(self._dataset)

    @property
    def uri(self) -> str:
        return self._dataset.uri

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, index: int) -> dict[str, Any]:
        [row] = self.__getitems__([index])
        return row

    def __getitems__(self, indices: Any) -> list[dict[str, Any]]:
        """Rows in the order of their numbers: a sequence, an array or a tensor of integers."""
        rows: list[dict[str, Any]] = self._dataset.take(indices).to_pylist()
        return rows

    def __repr__(self) -> str:
        return f"SafeLanceDataset({self.uri}, size={len(self)})"


def get_safe_loader(
    dataset: torch.utils.data.Dataset[Any],
    batch_size: int | None = 32,
    num_workers: int = 4,
    **options: Any,
) -> torch.utils.data.DataLoader[Any]:
    """A DataLoader with spawned workers that live as long as it does.

    `options` are those of DataLoader and come before what this function sets. With a
    `batch_sampler`, batch_size is left to it.
    """
    if num_workers > 0:
        options = {"multiprocessing_context": "spawn", "persistent_workers": True} | options
    if options.get("batch_sampler") is None:
        options["batch_size"] = batch_size
    return torch.utils.data.DataLoader(dataset, num_workers=num_workers, **options)
