#!/usr/bin/env python3
"""Fails when a folder includes a header of a folder that it may not use: check.py ROOT.

What each folder may use is written in its CMakeLists.txt, tandem_library(<folder> ... USES <folder>...); third-party
headers may appear only where ONLY_IN says.
"""

import pathlib
import re
import sys

# A library leaks into one place.
ONLY_IN = {
    "toml++/": ("config/",),
    "prometheus/": ("metrics/",),
    "boost/beast": ("admin/", "healthcheck/"),
    "boost/json": ("admin/", "healthcheck/", "config/", "app/"),
    "openssl/": ("net/", "healthcheck/", "vrrp/", "peer/"),
    "CLI/": ("app/",),
    "spdlog/": ("app/",),
}
# base knows nothing but the standard library, and boost for its error type.
BASE_MAY_INCLUDE_BOOST = ("boost/system/",)


def folders(root):
    """{folder: what it USES}, from the CMake files."""
    found = {}
    for path in sorted(root.glob("*/CMakeLists.txt")):
        for name, rest in re.findall(r"tandem_library\((\w+)([^)]*)\)", path.read_text()):
            uses = re.search(r"\bUSES\b([^A-Z]*)", rest)
            found[name] = set(uses[1].split()) if uses else set()
    return found


def includes(path):
    """(line number, header, quoted) of a file."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
        if match:
            yield number, match[2], match[1] == '"'


def wrong_arrows(root):
    """Every include that goes the wrong way, as file:line: text."""
    allowed = folders(root)
    problems = []
    for folder, uses in allowed.items():
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            where = path.relative_to(root).as_posix()
            for number, header, quoted in includes(path):
                other = header.split("/")[0]
                if quoted and other in allowed and other != folder and other not in uses:
                    problems.append(f'{where}:{number}: {folder} may not include "{header}"')
                elif quoted and other not in allowed:
                    problems.append(f'{where}:{number}: "{header}" is not named from the root of the tree')
                for prefix, homes in ONLY_IN.items():
                    if header.startswith(prefix) and not where.startswith(homes):
                        problems.append(f"{where}:{number}: <{header}> belongs in {', '.join(homes)} only")
                if folder == "base" and header.startswith("boost/") and not header.startswith(BASE_MAY_INCLUDE_BOOST):
                    problems.append(f"{where}:{number}: base may include boost/system only")
    return problems


def cycles(allowed):
    """The folders that reach themselves."""
    found = []
    for start in allowed:
        seen, todo = set(), list(allowed[start])
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += allowed.get(one, ())
        if start in seen:
            found.append(f"{start}: its USES lead back to itself")
    return found


def main(root):
    root = pathlib.Path(root)
    allowed = folders(root)
    problems = cycles(allowed) + wrong_arrows(root)
    print("\n".join(problems) or f"{len(allowed)} folders, every include goes the right way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
