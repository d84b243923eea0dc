"""The page has a word for every phase of the ledger, and for no other."""

import re
from typing import get_args

from governance.decisions import Phase
from tests.service.serving import ROOT


def test_every_phase_of_the_ledger_has_its_word() -> None:
    words = (ROOT / "ui" / "src" / "words.ts").read_text(encoding="utf-8")
    listed = re.search(r"phases: \{(.*?)\}", words, re.DOTALL)
    assert listed and sorted(re.findall(r"(\w+): \"", listed[1])) == sorted(get_args(Phase))
