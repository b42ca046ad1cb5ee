"""pip against uv, and a repo before against after: measured on a person's own repo.

`figures` and `chart` are pure; `installs` and `images` do what is timed.
"""
