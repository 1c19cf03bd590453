"""A real Prometheus that scrapes one target every second."""

import json
import urllib.parse
import urllib.request

from .case import program
from .ports import free_port
from .process import Process, wait_until

NEEDS = {"prometheus": "prometheus", "promtool": "prometheus"}


class Prometheus:
    def __init__(self, scene, target):
        self.dir = scene.subdir("prometheus")
        self.port = free_port()
        config = self.dir / "prometheus.yml"
        config.write_text(f"""
global: {{ scrape_interval: 1s, scrape_timeout: 1s }}
scrape_configs:
  - job_name: tandem
    static_configs: [ {{ targets: ["{target}"] }} ]
""")
        self.process = scene.add(Process("prometheus", [
            program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={self.dir / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], self.dir))
        wait_until(lambda: self._get("/-/ready") is not None, "Prometheus is ready", 30)

    def _get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read()

    def query(self, text):
        """[(labels, value)] of an instant query."""
        answer = json.loads(self._get("/api/v1/query?" + urllib.parse.urlencode({"query": text})))
        return [(r["metric"], float(r["value"][1])) for r in answer["data"]["result"]]

    def target_problem(self):
        """The last scrape's error; empty when it went well."""
        return json.loads(self._get("/api/v1/targets"))["data"]["activeTargets"][0]["lastError"]
