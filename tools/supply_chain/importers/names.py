"""The other names of a vendor: what the publisher put in brackets, and a few that are only known from elsewhere."""

import re

_FORMER = re.compile(r"^(?P<now>.+?)\s*\((?:FORMERLY|FORMALLY)\s+(?P<then>.+)\)$", re.IGNORECASE)
_ALSO = re.compile(r"^(?P<now>.+?)\s*\(AKA\s+(?P<then>.+)\)$", re.IGNORECASE)

# Vendors whose other names the publisher does not write as "(formerly ...)": renamed and merged companies, and misspellings.
KNOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "Abbott GmbH & Co. KG": (("AbbVie GmbH & Co. KG", "alias"),),
    "ABBOTT LOGISTICS B.V.": (("AbbVie Logistics B.V.", "alias"),),
    "AUROBINDO PHARAM (SOUTH AFRICA)": (("AUROBINDO PHARMA (SOUTH AFRICA)", "alias"),),
    "PUETRO RICO PHARMACEUTICAL, INC.": (("PUERTO RICO PHARMACEUTICAL, INC.", "alias"),),
    "SHANGHAI KEHUA BIOENGINEERING CO.,LTD.  (KHB)": (
        ("SHANGHAI KEHUA BIOENGINEERING CO.,LTD.", "alias"),
        ("KHB", "alias"),
    ),
    "SUN PHARMACEUTICAL INDUSTRIES LTD (RANBAXY LABORATORIES LIMITED)": (
        ("SUN PHARMACEUTICAL INDUSTRIES LTD", "alias"),
        ("RANBAXY LABORATORIES LIMITED", "former"),
    ),
}


def names_of(vendor: str) -> list[tuple[str, str]]:
    """(name, kind) of a vendor, the name as the publisher wrote it first; kind is current, former or alias.

    "MYLAN LABORATORIES LTD (FORMERLY MATRIX LABORATORIES)" is also known as MYLAN LABORATORIES LTD, and was once MATRIX
    LABORATORIES. Other brackets ("(SOUTH AFRICA)") belong to the name.
    """
    names = [(vendor, "current")]
    for pattern, kind in ((_FORMER, "former"), (_ALSO, "alias")):
        if match := pattern.match(vendor):
            then = match["then"].strip()
            closed = then + ")" * (then.count("(") - then.count(")"))
            names += [(match["now"].strip(), "alias"), (closed, kind)]
    return names + list(KNOWN.get(vendor, ()))
