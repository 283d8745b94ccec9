"""Wangge on one machine: what `./dev` does once Python can run. The standard library alone is imported here."""
