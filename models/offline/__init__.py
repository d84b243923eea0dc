"""The offline model: deterministic templates behind a chat model's interface, so that everything runs with no key.

`model.py` is the chat model; `brain.py` finds the role that a request is for; one module answers for each role.
"""

from models.offline.model import OfflineModel

__all__ = ["OfflineModel"]
