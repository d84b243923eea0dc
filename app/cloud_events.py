"""Events of the ledger as CloudEvents 1.0 in JSON, one a line, for systems that gather security events. Called by the audit commands.

`id` is the place in the organisation's chain and `source` the chain, so that an event that is sent twice is known; `type` is the phase,
`subject` the execution and step. `data` is the event as it was hashed, the extension `hash` its hash: SHA-256 over a zero byte and the
RFC 8785 bytes of `data`.
"""

import json
from typing import Any
from urllib.parse import quote

from governance.ledger import Entry


def cloud_event(entry: Entry) -> dict[str, Any]:
    """One entry as a CloudEvent, in structured JSON form."""
    said = json.loads(entry.body)
    return {
        "specversion": "1.0",
        "id": str(entry.seq),
        "source": f"/clearance/ledger/{quote(entry.org, safe='')}",
        "type": f"clearance.{said['phase']}",
        "subject": f"{entry.execution_id}/{said['step_id']}",
        "time": said["at"],
        "datacontenttype": "application/json",
        "hash": entry.hash,
        "data": said,
    }
