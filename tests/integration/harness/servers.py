"""Small TCP and HTTP servers inside the test process, for what a real program cannot be told to do."""

import json
import socket
import threading


class TcpServer:
    """Accepts on an address and gives each connection to `serve(socket)` in a thread of its own."""

    def __init__(self, host, port, serve):
        self._serve = serve
        self._listener = socket.create_server((host, port), backlog=512)
        self.host, self.port = host, self._listener.getsockname()[1]
        self._open = set()
        self._lock = threading.Lock()
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                self._open.add(connection)
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        try:
            self._serve(connection)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def open_connections(self):
        with self._lock:
            return len(self._open)

    def stop(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def echo(connection):
    while chunk := connection.recv(65536):
        connection.sendall(chunk)


def greeter(name):
    """Says its name at once, as a server-first protocol does, then echoes."""

    def serve(connection):
        connection.sendall(name.encode() + b"\n")
        echo(connection)

    return serve


def read_line(connection, timeout=5):
    """One line, without its end; empty when the connection ends first."""
    connection.settimeout(timeout)
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        line += byte
    return line[:-1].decode()


def who_answers(host, port, timeout=5):
    """The name of the greeter behind an address; empty when the connection is refused, reset or ended."""
    try:
        with socket.create_connection((host, port), timeout=timeout) as connection:
            return read_line(connection, timeout)
    except OSError:
        return ""


class RestNode:
    """A fake of Patroni's REST API; `answer` may be changed at any time.

    `answer` is None (accept and say nothing), bytes (sent as they are), or a function that gets the socket.
    """

    def __init__(self, host, port, answer=None):
        self.answer = answer
        self.asked = 0
        self._server = TcpServer(host, port, self._serve)
        self.host, self.port = self._server.host, self._server.port

    def _serve(self, connection):
        request = b""
        connection.settimeout(10)
        while b"\r\n\r\n" not in request:
            chunk = connection.recv(4096)
            if not chunk:
                return
            request += chunk
        self.asked += 1
        answer = self.answer
        if callable(answer):
            answer(connection)
        elif answer is None:
            while connection.recv(4096):
                pass
        else:
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    def stop(self):
        self._server.stop()


def http_answer(status, body, content_type="application/json"):
    if not isinstance(body, str):
        body = json.dumps(body)
    return (f"HTTP/1.0 {status} X\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}").encode()


def patroni_primary(timeline=1):
    return http_answer(200, {
        "state": "running", "role": "master", "server_version": 150018, "timeline": timeline,
        "xlog": {"location": 100_000_000},
        "dcs_last_seen": 1700000000, "patroni": {"version": "3.0.2", "scope": "orders"},
    })


def patroni_replica(timeline=1, received=100_000_000, replayed=None):
    replayed = received if replayed is None else replayed
    return http_answer(503, {
        "state": "running", "role": "replica", "server_version": 150018, "timeline": timeline,
        "xlog": {"received_location": received, "replayed_location": replayed,
                 "replayed_timestamp": "2026-01-01 00:00:00+00:00", "paused": False},
        "dcs_last_seen": 1700000000, "patroni": {"version": "3.0.2", "scope": "orders"},
    })
