#!/usr/bin/env python3
"""What a failover costs a client: Tandem beside keepalived, on this machine, in this run.

A client in a network namespace of its own asks over UDP and over TCP (connect, read the answering node's name) every
millisecond through the virtual address of two nodes in theirs. Then the active node is broken. Outage: from the first
lost question to the first answer after the last lost one; takeover: from the fault to the first answer by the other
node. Faults are spread evenly over the advertisement interval. Prints a line per measurement, and at the end writes
tables of medians and maxima with what is wanted of each row.
"""

import argparse
import concurrent.futures
import dataclasses
import datetime
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

from harness.case import Scene, program  # noqa: E402
from harness.pair import FAULTS, FAULTS_OF, PRODUCTS, Pair, phases  # noqa: E402
from harness.tandem import BINARY  # noqa: E402

LINKED_MS = 10.0  # what is wanted of a failover that the leaving node, or its watcher, announces over the link


@dataclasses.dataclass
class Row:
    """All runs of one product, interval (seconds) and fault."""

    product: str
    interval: float
    fault: str
    runs: list = dataclasses.field(default_factory=list)

    def worst(self):
        """Of each run the longer outage of the two kinds."""
        return [max(run.udp, run.tcp) for run in self.runs]


def milliseconds(values):
    values = [v for v in values if v is not None]
    if not values:
        return "–"
    return f"{_short(statistics.median(values))} / {_short(max(values))}"


def _short(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def interval_text(interval):
    return f"{interval:g} s" if interval >= 1 else f"{round(interval * 1000)} ms"


def wanted(row, rows, stuck_ms):
    """The bound of a row in milliseconds and where it comes from; None for keepalived, which is the measure."""
    if row.product.startswith("keepalived"):
        return None

    def keepalived(fault):
        same = rows.get(("keepalived", row.interval, fault))
        return statistics.median(same.worst()) if same and same.runs else None

    graceful = LINKED_MS if row.product == "tandem+link" else keepalived("stop")
    source = "10 ms" if row.product == "tandem+link" else "keepalived's graceful stop"
    if row.fault in ("stop", "handover", "child"):
        return graceful, source
    if row.fault == "stuck":
        return (None if graceful is None else stuck_ms + graceful), f"{stuck_ms:g} ms bound + {source}"
    # The phases are the same for both, but the fault itself takes some milliseconds, and the machine adds its own.
    same, measurement = keepalived(row.fault), 5 + 10 * row.interval
    return (None if same is None else same + measurement), f"keepalived's figure (+ {measurement:.0f} ms of measurement)"


def measure_all(options, rows, report):
    """Every product's pair at one interval after the other; different products take turns, run by run."""
    for interval in options.intervals:
        scene = Scene()
        gate = threading.Semaphore(options.jobs)
        products = [p for p in options.products if any((p, interval, f) in rows for f in FAULTS)]

        def of_product(product):
            pair = Pair(scene, product, interval, realtime=1 if os.geteuid() == 0 else 0)
            faults = [f for f in FAULTS_OF[product] if (product, interval, f) in rows]
            for phase in phases(options.runs):
                for fault in faults:
                    pair.wait_whole()
                    with gate:
                        seen = pair.measure(fault, phase)
                    rows[product, interval, fault].runs.append(seen)
                    report(rows[product, interval, fault], seen)

        try:
            with concurrent.futures.ThreadPoolExecutor(len(products)) as pool:
                for done in concurrent.futures.as_completed([pool.submit(of_product, p) for p in products]):
                    if done.exception() is not None:
                        print(scene.logs(), file=sys.stderr)
                        raise done.exception()
        finally:
            scene.close()


def versions():
    def first_line(*argv):
        done = subprocess.run(argv, capture_output=True, text=True)
        return ((done.stdout + done.stderr).strip().splitlines() or ["?"])[0]

    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {
        "machine": f"{os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}",
        "kernel": platform.release(),
        "keepalived": first_line(program("keepalived"), "--version").removeprefix("Keepalived "),
        "HAProxy": first_line(program("haproxy"), "-v"),
        "Tandem": first_line(str(BINARY), "version"),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def tables(options, rows, seconds):
    yield "# Failover as a client sees it\n"
    yield f"Written by `bench/failover.sh`; {options.runs} runs of each row in {seconds / 60:.0f} min. Milliseconds, median / maximum.\n"
    yield "".join(f"- {what}: {text}\n" for what, text in versions().items())
    yield """**Outage**: from the first lost question to the first answer after the last lost one, of a client that asks over UDP and
over TCP every millisecond. **Takeover**: from the fault to the first answer by the other node. `keepalived`: with the service
itself behind it; `keepalived+haproxy`: HAProxy 8080 → service, and a check script (`kill -0`, interval 2, fall 2) as people
write it; `tandem`: two Tandems by VRRP alone; `tandem+link`: with `[peer]`. Everything IPv4, version 3, multicast.
"""
    failed = 0
    for interval in options.intervals:
        yield f"\n## Advertisement interval {interval_text(interval)}\n"
        yield "| fault | product | outage UDP | outage TCP | takeover | wanted (median outage) | |\n|---|---|---|---|---|---|---|"
        for fault in FAULTS:
            for product in PRODUCTS:
                row = rows.get((product, interval, fault))
                if row is None or not row.runs:
                    continue
                bound = wanted(row, rows, options.stuck_ms)
                text, verdict = "", ""
                if bound is not None and bound[0] is not None:
                    ok = statistics.median(row.worst()) <= bound[0]
                    failed += not ok
                    text, verdict = f"≤ {_short(bound[0])}: {bound[1]}", "pass" if ok else "**FAIL**"
                yield (f"| {FAULTS[fault]} | {product} | {milliseconds(r.udp for r in row.runs)} | "
                       f"{milliseconds(r.tcp for r in row.runs)} | {milliseconds(r.takeover for r in row.runs)} | {text} | {verdict} |")
    noise = sum(run.lost_before for row in rows.values() for run in row.runs)
    gap = max((run.longest_gap for row in rows.values() for run in row.runs), default=0)
    yield f"\nRows that miss what is wanted: {failed}. Questions lost before anything was broken: {noise}. Longest time for which the client itself could not ask: {gap:.0f} ms.\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="measurements per row (7)")
    parser.add_argument("--intervals", default="1,0.1,0.01", help="advertisement intervals in seconds (1,0.1,0.01)")
    parser.add_argument("--products", default=",".join(PRODUCTS), help=f"of: {' '.join(PRODUCTS)}")
    parser.add_argument("--faults", default=",".join(FAULTS), help=f"of: {' '.join(FAULTS)}")
    parser.add_argument("--jobs", type=int, default=1, help="measurements at the same time (1)")
    parser.add_argument("--stuck-ms", type=float, default=500, help="how long a serving process may hang (500)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/FAILOVER.md", help="where the tables go")
    options = parser.parse_args()
    options.intervals = [float(i) for i in options.intervals.split(",")]
    options.products = options.products.split(",")
    options.faults = options.faults.split(",")
    for chosen, known, what in ((options.products, PRODUCTS, "product"), (options.faults, FAULTS, "fault")):
        for one in chosen:
            if one not in known:
                parser.error(f"no {what} {one}; there are: {', '.join(known)}")
    return options


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows = {(p, i, f): Row(p, i, f) for i in options.intervals for p in options.products for f in FAULTS_OF[p] if f in options.faults}
    total, started, lock = len(rows) * options.runs, time.monotonic(), threading.Lock()
    done = 0

    def report(row, seen):
        nonlocal done
        with lock:
            done += 1
            takeover = "–" if seen.takeover is None else _short(seen.takeover)
            print(f"[{done}/{total}, {time.monotonic() - started:.0f} s] {interval_text(row.interval)}, {row.product}, {FAULTS[row.fault]}: "
                  f"UDP {_short(seen.udp)}, TCP {_short(seen.tcp)}, takeover {takeover} ms"
                  + (f" ({seen.lost_before} lost before)" if seen.lost_before else ""), flush=True)

    try:
        measure_all(options, rows, report)
    finally:
        if any(row.runs for row in rows.values()):
            text = "\n".join(tables(options, rows, time.monotonic() - started))
            options.out.write_text(text)
            print(f"\n{text}\nwritten to {options.out}")


if __name__ == "__main__":
    main()
