"""Filling the system of record from publishers' files: one module a source, all with the same shape.

`import_x(db, path, progress)` reads a file as a stream, checks its columns, writes in one transaction and returns an
`ImportReport`. The same file twice leaves the same database. What cannot be read raises `ImportProblem`, and then nothing has
changed. Called by `clearance data import`; the demo generator feeds the same loaders.
"""

from tools.supply_chain.importers.report import ImportReport, Progress, Rejection
from tools.supply_chain.importers.scms import import_scms
from tools.supply_chain.importers.sdn import import_sdn
from tools.supply_chain.importers.sites import import_sites
from tools.supply_chain.importers.source_file import ImportProblem
from tools.supply_chain.importers.wgi import import_wgi

__all__ = [
    "ImportProblem",
    "ImportReport",
    "Progress",
    "Rejection",
    "import_scms",
    "import_sdn",
    "import_sites",
    "import_wgi",
]
