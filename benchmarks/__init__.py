"""uvdock against the bash `./run` file that it replaces, and against others that make the same call.

A benchmark and no test: `python -m benchmarks` measures and writes ``docs/benchmark.json`` and ``docs/benchmark.md``.
"""
