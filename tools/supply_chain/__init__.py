"""The sample domain's tools: supply-chain risk on public records. The system of record is `tables.py`, filled by `importers.py`
or by `demo.py`; `domain.py` in `graphs/specialists/supply_chain/` lists the tools for the core."""
