"""PROXY headers from and to a real HAProxy, ending at a real nginx that says which client address it was told."""

import socket

from harness import haproxy, nginx
from harness.case import Case
from harness.haproxy import HAProxy
from harness.nginx import Nginx
from harness.ports import accepts, free_port
from harness.process import wait_until
from harness.tandem import Tandem, backends

_CLIENT = "127.0.3.7"


def client_seen(port):
    """The address of the client as nginx got to know it, for a request from _CLIENT."""
    with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(_CLIENT, 0)) as connection:
        connection.sendall(b"GET /client HTTP/1.0\r\n\r\n")
        connection.settimeout(5)
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    return answer.split(b"\r\n\r\n", 1)[1].split()[0].decode()


class ProxyProtocol(Case):
    needs = {**nginx.NEEDS, **haproxy.NEEDS}

    @classmethod
    def set_up_scene(cls):
        cls.web = Nginx(cls.scene, "web", listen_options="proxy_protocol")
        cls.plain = Nginx(cls.scene, "plain")
        cls.ports = {name: free_port() for name in (
            "in-1", "in-2", "in-only", "to-haproxy-1", "to-haproxy-2", "haproxy-v1-1", "haproxy-v1-2", "haproxy-v2-1",
            "haproxy-v2-2", "haproxy-accept", "nowhere")}
        ports = cls.ports
        cls.haproxy = HAProxy(cls.scene, "both", f"""
listen v1-1
  bind 127.0.0.1:{ports["haproxy-v1-1"]}
  server tandem 127.0.0.1:{ports["in-1"]} send-proxy
listen v1-2
  bind 127.0.0.1:{ports["haproxy-v1-2"]}
  server tandem 127.0.0.1:{ports["in-2"]} send-proxy
listen v2-1
  bind 127.0.0.1:{ports["haproxy-v2-1"]}
  server tandem 127.0.0.1:{ports["in-1"]} send-proxy-v2
listen v2-2
  bind 127.0.0.1:{ports["haproxy-v2-2"]}
  server tandem 127.0.0.1:{ports["in-2"]} send-proxy-v2 proxy-v2-options crc32c,unique-id
listen receiver
  bind 127.0.0.1:{ports["haproxy-accept"]} accept-proxy
  server web {cls.web.address} send-proxy
""")
        wait_until(lambda: accepts("127.0.0.1", ports["haproxy-v1-1"]), "HAProxy listens")
        cls.tandem = Tandem(cls.scene, f"""
[cluster.web]
backends = {backends({"web": cls.web.address})}
[cluster.plain]
backends = {backends({"plain": cls.plain.address})}
[cluster.haproxy]
backends = {backends({"haproxy": f"127.0.0.1:{ports['haproxy-accept']}"})}
[pool.web]
cluster = "web"
[pool.plain]
cluster = "plain"
[pool.haproxy]
cluster = "haproxy"
[listener.in-1]
bind = ["127.0.0.1:{ports["in-1"]}"]
pool = "web"
accept_proxy_protocol = true
header_timeout = "500ms"
send_proxy_protocol = 1
[listener.in-2]
bind = ["127.0.0.1:{ports["in-2"]}"]
pool = "web"
accept_proxy_protocol = true
send_proxy_protocol = 2
[listener.in-only]
bind = ["127.0.0.1:{ports["in-only"]}"]
pool = "plain"
accept_proxy_protocol = {{ from = ["127.0.9.0/24"] }}
[listener.to-haproxy-1]
bind = ["127.0.0.1:{ports["to-haproxy-1"]}"]
pool = "haproxy"
send_proxy_protocol = 1
[listener.to-haproxy-2]
bind = ["127.0.0.1:{ports["to-haproxy-2"]}"]
pool = "haproxy"
send_proxy_protocol = 2
""")

    def test_what_haproxy_sends_reaches_nginx_in_either_version(self):
        for received in ("v1", "v2"):
            for sent in ("1", "2"):
                with self.subTest(received=received, sent=sent):
                    self.assertEqual(client_seen(self.ports[f"haproxy-{received}-{sent}"]), _CLIENT)

    def test_haproxy_accepts_what_is_sent(self):
        for sent in ("1", "2"):
            with self.subTest(sent=sent):
                self.assertEqual(client_seen(self.ports[f"to-haproxy-{sent}"]), _CLIENT)

    def answer_to(self, port, request, source="127.0.0.1"):
        """What comes back; empty when the connection ends or is reset without a byte."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0)) as connection:
                connection.sendall(request)
                return connection.recv(4096)
        except ConnectionError:
            return b""

    def rejected(self, listener):
        return self.tandem.metric("tandem_listener_rejected_total", listener=listener)

    def test_a_client_without_a_header_is_refused_and_counted(self):
        before = self.rejected("in-1")

        self.assertEqual(self.answer_to(self.ports["in-1"], b"GET / HTTP/1.0\r\n\r\n"), b"")
        self.assertEqual(self.answer_to(self.ports["in-1"], b"PROXY TCP4 not.an.address 1.2.3.4 1 2\r\n"), b"")
        self.assertEqual(self.answer_to(self.ports["in-1"], b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + b"\0" * 100), b"")

        wait_until(lambda: self.rejected("in-1") == before + 3, "three were counted")

    def test_an_unfinished_header_is_given_up_in_time(self):
        before = self.rejected("in-1")

        self.assertEqual(self.answer_to(self.ports["in-1"], b"PROXY TCP4 127."), b"")

        wait_until(lambda: self.rejected("in-1") == before + 1, "it was counted")

    def test_a_header_counts_only_from_the_given_networks(self):
        header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"
        request = header + b"GET / HTTP/1.0\r\n\r\n"

        self.assertEqual(self.answer_to(self.ports["in-only"], request), b"")
        self.assertIn(b"200 OK", self.answer_to(self.ports["in-only"], request, source="127.0.9.1"))


