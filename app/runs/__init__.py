"""Runs that survive: the queue (a row is a run), the worker that holds leases, the log of a thread, and what ends a run."""
