"""The routers: one file a resource. They read the request, call `app/` and `app/runs/`, and word the answer; no SQL lives here."""
