"""Floor 5: what people meet. The terminal (`cli.py`), its renderers, and whoever drives a run (`runner.py`)."""
