"""What datasets are opened from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from pilum.dataset import Dataset
from pilum.dataset import dataset as open_folder
from pilum.errors import InvalidArgumentError
from pilum.table import Table

Source: TypeAlias = str | os.PathLike[str] | Dataset | Table


def open_dataset(source: Source, options: Mapping[str, Any] | None = None) -> Dataset:
    """The dataset in a folder, opened with the options of `pilum.dataset`, or one that is open."""
    if not isinstance(source, (Dataset, Table)):
        return open_folder(source, **(options or {}))
    if options:
        raise InvalidArgumentError("dataset_options are for a path, not for an open dataset")
    return source.to_lance() if isinstance(source, Table) else source
