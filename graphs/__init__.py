"""The graphs: a goal becomes a plan, the plan runs, its results are verified and reported.

`orchestrator.py` is the whole composition. `services.py` makes what the graphs need; the application, the command line, the
evals and `langgraph.json` all call it, so that they run the same graph.
"""
