#!/usr/bin/env python3
"""No flapping: a pair with nothing wrong, on a machine with every core busy, counts its transitions.

Beside it a control at the real-time priority of Tandem's VRRP thread records when the machine itself did not let it
run: a transition that no such stall explains is a fault. Prints both, and writes a table.
"""

import argparse
import os
import pathlib
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

from harness.case import Scene  # noqa: E402
from harness.network import V4, VIP  # noqa: E402
from harness.pair import PRODUCTS, Pair  # noqa: E402
from harness.stalls import Stalls  # noqa: E402


def watch(product, interval, minutes, hogs):
    """A line of the table, and whether what happened is explained."""
    scene = Scene()
    try:
        pair = Pair(scene, product, interval)
        for number in range(hogs):
            pair.network.client.start(scene, f"busy-{number}", ["sh", "-c", "while :; do :; done"], scene.dir)
        time.sleep(1)
        before, holder = pair.transitions(), pair.active()
        since, started = time.monotonic_ns(), time.monotonic()
        with Stalls(scene, pair.network.client) as stalls:
            while time.monotonic() - started < minutes * 60:
                time.sleep(min(10, max(0, minutes * 60 - (time.monotonic() - started))))
                try:
                    so_far = f"{pair.transitions() - before} transitions"
                except OSError as problem:  # a serving process that hung, or died, is started anew: its counters too
                    so_far = f"a node does not answer: {problem}"
                    print(scene.logs(), file=sys.stderr)
                print(f"{product}, {interval * 1000:g} ms: {time.monotonic() - started:.0f} of {minutes * 60:.0f} s, {so_far}", flush=True)
        pair.wait_whole()
        moved = pair.transitions() - before
        found = [length / 1e6 for at, length in stalls.found if at >= since]
        # A backup of priority 100 gives up after 3.6 intervals; an advert may have been due for one of them.
        long_enough = sum(length >= 2.5 * interval * 1000 for length in found)
        turn = pair.longest_turn()
        end = pair.active()
        fine = end is not None and pair.network.holders(VIP[V4]) == [end] and (end == holder or moved) and (moved == 0 or long_enough > 0)
        return (f"| {product} | {interval * 1000:g} ms | {minutes:g} min | {hogs} | {moved} | {max(found, default=0):.1f} ms | "
                f"{long_enough} | {'–' if turn is None else f'{turn * 1000:.2f} ms'} | {'pass' if fine else '**FAIL**'} |"), fine
    finally:
        scene.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="at 100 ms (10)")
    parser.add_argument("--minutes-fast", type=float, default=2, help="at 10 ms (2)")
    parser.add_argument("--hogs", type=int, default=os.cpu_count(), help="spinning loops (one per core)")
    parser.add_argument("--product", choices=[p for p in PRODUCTS if "+haproxy" not in p], default="tandem")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/STEADY.md", help="where the table goes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    lines = ["# A pair with nothing wrong, on a busy machine\n",
             "Written by `bench/steady.py`. Control: a thread of the same real-time priority that only sleeps 1 ms at a time. Long\n"
             "enough: stalls of the control of at least 2.5 intervals, which would make any backup take over.\n",
             "| product | interval | watched | spinning loops | transitions | longest stall of the control | long enough | longest turn of the VRRP thread | |",
             "|---|---|---|---|---|---|---|---|---|"]
    all_fine = True
    for interval, minutes in ((0.1, options.minutes), (0.01, options.minutes_fast)):
        if minutes > 0:
            line, fine = watch(options.product, interval, minutes, options.hogs)
            lines.append(line)
            all_fine = all_fine and fine
    text = "\n".join(lines) + "\n"
    options.out.write_text(text)
    print(text)
    return 0 if all_fine else 1


if __name__ == "__main__":
    sys.exit(main())
