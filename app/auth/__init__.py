"""Who calls the service, and what they may reach. The routers ask `access.py`; the commands make keys with `keys.py`."""
