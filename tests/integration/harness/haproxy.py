"""A real HAProxy in TCP mode."""

from .case import program
from .process import Process

NEEDS = {"haproxy": "haproxy"}

_DEFAULTS = """
global
  maxconn 200
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
"""


class HAProxy:
    """`text` is what follows `defaults`: frontends, backends, listens. `prefix`: where to run it."""

    def __init__(self, scene, name, text, *, prefix=()):
        self.dir = scene.subdir(f"haproxy-{name}")
        config = self.dir / "haproxy.cfg"
        config.write_text(_DEFAULTS + text)
        self.process = scene.add(Process(f"haproxy-{name}", [*prefix, program("haproxy"), "-db", "-f", config], self.dir))
