"""Goals written without sight of the product, with golden figures from the raw files. README.md says how to read a case."""
