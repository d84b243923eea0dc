"""Serve an application over a real loopback socket, for a test."""

from models.serving import served

__all__ = ["served"]
