"""Wangge on one machine: what `./dev` does once Python can run."""
