"""The doctor: what is wrong with how uv is used in a repo's build, stack and CI.

`facts` reads, the rules judge what was read and touch nothing, `fix` edits.
"""
