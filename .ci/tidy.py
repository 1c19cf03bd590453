#!/usr/bin/env python3
"""clang-tidy over every source file of the program that has changed since it was last found clean:
tidy.py BUILD_DIR STAMP_DIR. Tests are left out: doctest's macros drown what matters.

A file is looked at again when it, a project header it includes, .clang-tidy, or clang-tidy itself has changed.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Sources:
    """Files, and the project headers that each includes, directly or not."""

    def __init__(self):
        self._text, self._reach = {}, {}

    def text(self, path):
        if path not in self._text:
            self._text[path] = path.read_bytes()
        return self._text[path]

    def reach(self, path):
        """The file and all project headers it depends on."""
        if path not in self._reach:
            self._reach[path] = {path}
            for name in re.findall(rb'^\s*#\s*include\s*"([^"]+)"', self.text(path), re.MULTILINE):
                for base in (ROOT, path.parent):
                    header = base / name.decode()
                    if header.is_file():
                        self._reach[path] |= self.reach(header.resolve())
                        break
        return self._reach[path]

    def key(self, path, common):
        digest = hashlib.sha256(common)
        for part in sorted(self.reach(path)):
            digest.update(str(part.relative_to(ROOT)).encode() + b"\0" + self.text(part))
        return digest.hexdigest()


def tidy(build, path):
    return subprocess.run(["clang-tidy", "-p", build, "--quiet", path], capture_output=True, text=True, cwd=ROOT)


def main(build, stamps):
    stamps = pathlib.Path(stamps)
    stamps.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True).stdout
    configs = b"".join(p.read_bytes() for p in sorted(ROOT.rglob(".clang-tidy")) if "build" not in p.parts)
    commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    files = sorted({pathlib.Path(c["file"]).resolve() for c in commands})
    files = [f for f in files if f.is_relative_to(ROOT) and f.relative_to(ROOT).parts[0] not in ("build", "tests")]
    sources = Sources()
    stamp = {f: stamps / sources.key(f, version + configs) for f in files}
    todo = [f for f in files if not stamp[f].exists()]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        started = time.monotonic()
        for path, done in zip(todo, pool.map(lambda f: tidy(build, f), todo)):
            if done.returncode == 0:
                stamp[path].touch()
                continue
            bad += 1
            print(f"{path.relative_to(ROOT)}:\n{done.stdout}{done.stderr}", flush=True)
    print(f"{len(files)} files, {len(todo)} of them looked at in {time.monotonic() - started:.0f} s, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
