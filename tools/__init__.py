"""Tools: typed functions with manifests, and the gateway through which alone they are called.

A domain's tools and its system of record live in a folder of the domain's name. Called by the graphs, through the gateway.
"""
