"""Readers of the languages that a repo is written in, each with positions; they know neither pip nor uv."""
