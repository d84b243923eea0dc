"""The control system: what an agent may do, who must agree, what was done, and the proof of it.

Knows no graph, no model and no domain. Called by the tool gateway (every call), by the graphs (plan checks, waiting steps) and
by the application (votes, audit).
"""
