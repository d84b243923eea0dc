"""Specialists of your own: each file here with a function `added() -> Added` joins the domain, and every plan that needs it.

Found by `graphs.services.load_domain`, in the order of their names.
"""
