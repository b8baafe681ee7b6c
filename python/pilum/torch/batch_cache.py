"""Record batches kept on disk, so that they are read from the dataset only once."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from pilum.torch.batches import Batches


class BatchCache:
    """A private folder of streams of record batches, each under a name.

    The folder is in `parent`, by default in the system's folder for temporary files, and goes when
    the cache does. Copies sent to other processes share it.
    """

    def __init__(self, parent: str | os.PathLike[str] | None = None) -> None:
        if parent is not None:
            os.makedirs(parent, exist_ok=True)
        self._folder = tempfile.mkdtemp(prefix="pilum-batches-", dir=parent)
        weakref.finalize(self, _remove, self._folder, os.getpid())

    def batches(self, name: str, read: Callable[[], Batches]) -> Batches:
        """The stream of that name. The first time it is that which `read` gives, and is kept if it
        was consumed to its end."""
        path = os.path.join(self._folder, name)
        return _stored(path) if os.path.exists(path) else self._keep(path, read())

    def _keep(self, path: str, batches: Batches) -> Batches:
        descriptor, unfinished = tempfile.mkstemp(dir=self._folder)
        writer: Any = None
        try:
            with os.fdopen(descriptor, "wb") as file:
                for batch in batches:
                    writer = writer or pa.ipc.new_stream(file, batch.schema)
                    writer.write_batch(batch)
                    yield batch
                if writer is not None:
                    writer.close()
            os.rename(unfinished, path)
        except BaseException:
            os.remove(unfinished)
            raise


def _stored(path: str) -> Batches:
    if os.path.getsize(path) == 0:  # there were no batches
        return
    # Read, not mapped: tensors over mapped memory could not be written to.
    with pa.OSFile(path) as file, pa.ipc.open_stream(file) as reader:
        yield from reader


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:  # not in a forked child, which inherits the cache of its parent
        shutil.rmtree(folder, ignore_errors=True)
