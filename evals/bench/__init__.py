"""The benchmark of the engine: how close a plan comes to its critical path, what a step costs, whether memory stays flat.

Run `python -m evals.bench` (`make bench`). Everything that is timed is the real thing: scheduler, specialist graphs, gateway,
SQLite savers and databases on disk. Only the model is replaced, by one that answers after a fixed time.
"""
