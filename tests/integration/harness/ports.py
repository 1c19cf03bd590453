"""Free TCP ports, below the range from which the kernel takes ephemeral ones."""

import os
import socket

_FIRST, _LAST = 15000, 31000
_next = _FIRST + (os.getpid() * 97) % (_LAST - _FIRST)


def free_port(*hosts):
    """A port that is free on every one of these addresses (127.0.0.1 when none is given). Never the same one twice."""
    global _next
    for _ in range(_LAST - _FIRST):
        port, _next = _next, _next + 1
        if _next > _LAST:
            _next = _FIRST
        if all(_is_free(host, port) for host in hosts or ("127.0.0.1",)):
            return port
    raise AssertionError("no free TCP port")


def _is_free(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def accepts(host, port):
    """True when somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
