"""The sample domain: supply-chain risk. `domain.py` declares it, `entities.py` reads goals, `prompts/` instruct its specialists."""
