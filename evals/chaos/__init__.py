"""The kill test: the flagship goal is killed with SIGKILL again and again, and must end every time as if nothing had happened.

`make chaos` runs `python -m evals.chaos`. A round is two or three lives of one run: real processes, the first ones killed at a
random moment, the last one left to end. Every process is forked from one that has imported the application and done nothing
else: an import takes seconds, and a hundred rounds would be mostly that. POSIX only.
"""
