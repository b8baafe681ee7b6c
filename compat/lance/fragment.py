"""Fragments of datasets."""

from pilum.dataset import Fragment as LanceFragment

__all__ = ["LanceFragment"]
