"""Datasets and samplers for training with PyTorch."""
