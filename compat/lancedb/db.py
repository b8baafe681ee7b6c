"""Connections to databases."""

from pilum import DBConnection, LanceDBConnection

__all__ = ["DBConnection", "LanceDBConnection"]
