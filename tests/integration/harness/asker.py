"""A client that asks every millisecond through a virtual address, and the service that answers with its node's name."""

import dataclasses
import os
import pathlib
import signal
import time

from .case import ROOT

PROGRAM = pathlib.Path(os.environ.get("TANDEM_ASKER", ROOT / "build/dev/tests/integration/integration_asker"))

UDP_PORT, TCP_PORT = 7000, 8080  # where clients ask
BACKEND = ("127.0.0.1", 9000)    # where the service listens when a balancer stands in front of it

_MS = 1_000_000


class Service:
    """Answers in a node: UDP itself; TCP itself too, or through a balancer that listens on TCP_PORT."""

    def __init__(self, scene, node, *, behind_balancer):
        host, port = BACKEND if behind_balancer else ("::", TCP_PORT)
        argv = [PROGRAM, "serve", "--name", node.name, "--udp", UDP_PORT, "--tcp", port, "--tcp-host", host]
        self.process = node.start(scene, f"service-{time.monotonic_ns()}", argv, scene.dir)

    def kill(self):
        self.process.signal(signal.SIGKILL)

    def stop(self):
        self.process.stop()


@dataclasses.dataclass(frozen=True)
class Question:
    kind: str      # udp, tcp
    sent: int      # time.monotonic_ns()
    answered: int  # 0: lost
    who: str


@dataclasses.dataclass
class Failover:
    """What the client saw of one; milliseconds."""

    udp: float                # from the first lost question to the first answer after the last lost one
    tcp: float
    takeover: float | None    # from the fault to the first answer of another node
    udp_lost: int
    tcp_lost: int
    lost_before: int          # noise: lost before anything was broken
    longest_gap: float        # the client itself was not let to run for so long


class Asker:
    """Asks from the moment it is made."""

    def __init__(self, scene, node, target, *, realtime=0, name="asker"):
        self._scene = scene
        self.process = node.start(scene, f"{name}-{time.monotonic_ns()}", [
            PROGRAM, "ask", "--target", target, "--udp", UDP_PORT, "--tcp", TCP_PORT, "--realtime", realtime], scene.dir)
        self._offset = 0
        self._rest = ""
        self.questions, self.gaps = [], []

    def read(self):
        """Takes in what has become of the questions until now."""
        with open(self.process.log_path, "r", errors="replace") as log:
            log.seek(self._offset)
            text = self._rest + log.read()
            self._offset = log.tell()
        *lines, self._rest = text.split("\n")
        for line in lines:
            kind, _, rest = line.partition(",")
            if kind in ("udp", "tcp"):
                sent, answered, who = rest.split(",", 2)
                self.questions.append(Question(kind, int(sent), int(answered), who))
            elif kind == "gap":
                start, length, _ = rest.split(",", 2)
                self.gaps.append((int(start), int(length)))

    def answers_since(self, moment, kind, who=None):
        """Whether a question of this kind asked since then is answered, by `who` if given."""
        if not self.process.is_running():
            raise SystemError(f"the asker ended: {self.process.log()[-500:]}")
        self.read()
        return any(q.kind == kind and q.sent >= moment and q.answered and who in (None, q.who)
                   for q in reversed(self.questions))

    def finish(self):
        """Asks nothing more, and waits until the last question is settled."""
        self.process.signal(signal.SIGTERM)
        self.process.wait(10)
        self.read()
        self.process.stop()
        self.process.log_path.unlink()

    def failover(self, fault, other=None):
        """What came of a fault at this moment, after finish(); `other`: the node that should answer then."""
        start = fault - 20 * _MS
        udp, udp_lost = _outage([q for q in self.questions if q.kind == "udp" and q.sent >= start])
        tcp, tcp_lost = _outage([q for q in self.questions if q.kind == "tcp" and q.sent >= start])
        first = min((q.answered for q in self.questions if q.who == other and q.answered > fault), default=None)
        return Failover(
            udp=udp, tcp=tcp, takeover=None if first is None else (first - fault) / _MS, udp_lost=udp_lost,
            tcp_lost=tcp_lost, lost_before=sum(q.sent < start and not q.answered for q in self.questions),
            longest_gap=max((length for at, length in self.gaps if at + length >= start), default=0) / _MS)


def _outage(questions):
    """Length in milliseconds and number of the lost; infinite when nothing was answered after the last loss."""
    lost = [q for q in questions if not q.answered]
    if not lost:
        return 0.0, 0
    first, last = min(q.sent for q in lost), max(q.sent for q in lost)
    after = min((q.answered for q in questions if q.sent > last and q.answered), default=None)
    return (float("inf") if after is None else (after - first) / _MS), len(lost)
