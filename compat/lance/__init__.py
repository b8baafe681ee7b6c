"""pilum in the manner of Lance: `dataset` opens one table by its folder.

    lance.torch.data      is pilum.torch.data, the same module
    lance.torch.sampler   is pilum.torch.sampler
    lance.sampler         is pilum.torch.sampler, too
    lance.fragment        fragments of datasets

`lance.dataset` is a module as well as this function: `from lance.dataset import LanceDataset`.
"""

import pilum_compat  # noqa: F401  it must not be mixed with the distribution pylance

from lance import fragment
from lance.dataset import LanceDataset, LanceScanner, write_dataset
from lance.fragment import LanceFragment
from pilum import __version__, dataset

__all__ = [
    "LanceDataset",
    "LanceFragment",
    "LanceScanner",
    "__version__",
    "dataset",
    "fragment",
    "write_dataset",
]
