"""What the modules `lancedb` and `lance` of the distribution pilum-compat share.

Importing this fails where the distributions that they stand for are installed too: those have files
of the same names, so that some modules would be theirs and some pilum's. Nothing of pilum is loaded
before that is known.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys

_STOOD_FOR = ("lancedb", "pylance")


def _refuse_to_be_mixed() -> None:
    installed = []
    for name in _STOOD_FOR:
        try:
            installed.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    if installed:
        raise ImportError(
            "pilum-compat provides the modules lancedb and lance, but "
            f"{' and '.join(installed)} must not be installed beside it: they have modules of the "
            "same names, and each may have overwritten files of the other. "
            f"Run: pip uninstall {' '.join(_STOOD_FOR)} pilum-compat; then install what you want "
            "to use, pilum-compat or lancedb. `import pilum` needs neither of them."
        )


_refuse_to_be_mixed()


def alias(name: str, target: str) -> None:
    """Have the module `name`, which calls this while it is imported, be the module `target`: one
    object with two names, so that what is patched under one is patched under the other."""
    sys.modules[name] = importlib.import_module(target)
