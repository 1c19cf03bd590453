"""Real nginx servers as web backends: each says its name and answers /health."""

import os

from .case import program
from .ports import accepts, free_port
from .process import Process, wait_until

NEEDS = {"nginx": "nginx-light"}

_CONFIG = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
{user}
events {{ worker_connections 4096; }}
http {{
  access_log {access_log};
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  log_format addresses '$remote_addr $proxy_protocol_addr $proxy_protocol_port $request';
  server {{
    listen {host}:{port} backlog=4096 {listen_options};
    default_type text/plain;
    location = /health {{ return 200 "ok\\n"; }}
    location = /client {{ return 200 "$proxy_protocol_addr $proxy_protocol_port\\n"; }}
    location / {{ return 200 "{name}\\n"; }}
    location /files/ {{ alias {dir}/files/; }}
  }}
}}
"""


class Nginx:
    """One server. `listen_options` is nginx's own: "proxy_protocol" makes the header required."""

    def __init__(self, scene, name, *, host="127.0.0.1", port=None, listen_options=""):
        self.name, self.host = name, host
        self.port = port or free_port(host)
        self.dir = scene.subdir(f"nginx-{name}")
        self.files = self.dir / "files"
        self.files.mkdir()
        self._config = self.dir / "nginx.conf"
        self._config.write_text(_CONFIG.format(
            dir=self.dir, host=host, port=self.port, name=name, listen_options=listen_options, access_log="off",
            user="user root;" if os.geteuid() == 0 else ""))
        self.process = None
        scene.add(self)
        self.start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self):
        self.process = Process(f"nginx-{self.name}",
                               [program("nginx"), "-e", self.dir / "error.log", "-p", self.dir, "-c", self._config],
                               self.dir)
        wait_until(lambda: accepts(self.host, self.port), f"nginx {self.name} listens")

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process:
            self.process.stop()
