"""pilum reads Lance tables for machine learning training.

    db = pilum.connect("/data/db")
    table = db.open_table("images")
    for batch in table:            # pyarrow.RecordBatch after RecordBatch
        ...

`connect` opens databases of tables, `dataset` one table in the manner of Lance.
"""

from __future__ import annotations

import re

import pyarrow as pa


def _load_extension() -> str:
    """Load the extension module, which runs on the Arrow libraries of one major pyarrow version."""
    try:
        from pilum import _pilum
    except ImportError as error:
        needed = re.search(r"libarrow\w*\.so\.(\d+)00", str(error))
        if needed is None:
            raise
        raise ImportError(_wrong_pyarrow(needed[1])) from error
    if pa.__version__.split(".")[0] != str(_pilum.ARROW_MAJOR):
        raise ImportError(_wrong_pyarrow(str(_pilum.ARROW_MAJOR)))
    return _pilum.__version__


def _wrong_pyarrow(needed: str) -> str:
    return (
        f"this build of pilum needs pyarrow {needed}.x, but pyarrow {pa.__version__} is installed; "
        f"run: pip install 'pyarrow=={needed}.*'"
    )


__version__ = _load_extension()

from pilum.database import DBConnection, LanceDBConnection, connect  # noqa: E402
from pilum.dataset import Dataset, dataset, write_dataset  # noqa: E402
from pilum.errors import (  # noqa: E402
    AccessError,
    AlreadyExistsError,
    CancelledError,
    CommitConflictError,
    CorruptDataError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    PilumError,
    RowNotFoundError,
    UnavailableError,
    UnsupportedError,
)
from pilum.ordering import ColumnOrdering  # noqa: E402
from pilum.table import Table  # noqa: E402

__all__ = [
    "AccessError",
    "AlreadyExistsError",
    "CancelledError",
    "ColumnOrdering",
    "CommitConflictError",
    "CorruptDataError",
    "DBConnection",
    "Dataset",
    "InternalError",
    "InvalidArgumentError",
    "LanceDBConnection",
    "NotFoundError",
    "PilumError",
    "RowNotFoundError",
    "Table",
    "UnavailableError",
    "UnsupportedError",
    "__version__",
    "connect",
    "dataset",
    "write_dataset",
]
