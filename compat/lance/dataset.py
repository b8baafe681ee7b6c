"""Datasets and scans of them."""

from pilum import ColumnOrdering, write_dataset
from pilum.dataset import Dataset as LanceDataset
from pilum.scanner import Scanner as LanceScanner

__all__ = ["ColumnOrdering", "LanceDataset", "LanceScanner", "write_dataset"]
