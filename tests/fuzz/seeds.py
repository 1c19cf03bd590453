#!/usr/bin/env python3
"""Prepares a fuzz target's seeds: seeds.py FROM TO copies them; a NAME.hex becomes the bytes that it writes as text."""

import pathlib
import sys


def main(source, target):
    target = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    for seed in sorted(pathlib.Path(source).iterdir()):
        if seed.suffix == ".hex":
            (target / seed.stem).write_bytes(bytes.fromhex(seed.read_text()))
        else:
            (target / seed.name).write_bytes(seed.read_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
