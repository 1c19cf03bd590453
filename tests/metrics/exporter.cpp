#include "metrics/exporter.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "metrics/process.hpp"
#include "tests/metrics/sample_collection.hpp"

namespace tandem::metrics {

namespace {

/// A directory of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tandem-metrics-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

struct Run {
  int status = -1;
  std::string output;
};

Run run(const std::string& command) {
  Run out;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t length = 0; (length = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    out.output.append(buffer, length);
  }
  out.status = pclose(pipe);
  return out;
}

bool promtool_is_there() {
  const bool there = run("promtool --version").status == 0;
  if (!there) {
    std::cout << "SKIPPED: promtool is not installed (package prometheus)\n";
  }
  return there;
}

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// 5,000 backends with all their series, as a controller fills it.
Collection large_collection() {
  Collection collection;
  const std::string_view roles[] = {"primary", "replica", "none"};
  const std::string_view states[] = {"ready", "drain"};
  const std::string_view failures[] = {"refused", "timeout", "unreachable", "local"};
  for (int index = 0; index < 5000; ++index) {
    const std::string backend = "backend-" + std::to_string(index);
    collection.add(Metric::backend_connections_active, {"fleet", backend}, index % 7);
    collection.add(Metric::backend_connections_total, {"fleet", backend}, index * 1001);
    collection.add(Metric::backend_up, {"fleet", backend}, 1);
    collection.add(Metric::backend_lag_seconds, {"fleet", backend}, 0.25 * index);
    collection.add(Metric::backend_epoch, {"fleet", backend}, 4);
    collection.add_state(Metric::backend_role, {"fleet", backend}, roles, "replica");
    collection.add_state(Metric::backend_admin_state, {"fleet", backend}, states, "ready");
    for (const std::string_view failure : failures) {
      collection.add(Metric::backend_connect_failures_total, {"fleet", backend, failure}, 0);
    }
  }
  return collection;
}

}  // namespace

TEST_SUITE("metrics/exporter") {
  TEST_CASE("the text format carries help and type and labels") {
    Collection collection;
    collection.add(Metric::listener_rejected_total, {"web", "denied"}, 3);
    collection.add(Metric::backend_up, {"orders", "pg-0"}, 1);

    const std::string text = expose(collection, Format::text);

    CHECK(contains(text, "# TYPE tandem_listener_rejected_total counter\n"));
    CHECK(contains(text, "tandem_listener_rejected_total{listener=\"web\",reason=\"denied\"} 3\n"));
    CHECK(contains(text, "# TYPE tandem_backend_up gauge\n"));
    CHECK(contains(text, "tandem_backend_up{cluster=\"orders\",backend=\"pg-0\"} 1\n"));
    CHECK_FALSE(contains(text, "tandem_pool_held"));
  }

  TEST_CASE("a state is a set of gauges of which one is 1") {
    Collection collection;
    const std::string_view roles[] = {"primary", "replica", "none"};
    collection.add_state(Metric::backend_role, {"orders", "pg-0"}, roles, "replica");

    const std::string text = expose(collection, Format::text);

    CHECK(contains(text, "backend=\"pg-0\",role=\"primary\"} 0\n"));
    CHECK(contains(text, "backend=\"pg-0\",role=\"replica\"} 1\n"));
    CHECK(contains(text, "backend=\"pg-0\",role=\"none\"} 0\n"));
  }

  TEST_CASE("OpenMetrics names a counter's family without its suffix and ends with EOF") {
    Collection collection;
    collection.add(Metric::bytes_total, {"web", "sent"}, 12345678901.0);
    collection.add(Metric::backend_lag_seconds, {"orders", "pg-0"}, 0.25);
    collection.add(Metric::process_cpu_seconds_total, {}, 1.5);

    const std::string text = expose(collection, Format::open_metrics);

    CHECK(text ==
          "# HELP tandem_bytes Bytes received from and sent to clients.\n"
          "# TYPE tandem_bytes counter\n"
          "tandem_bytes_total{listener=\"web\",direction=\"sent\"} 12345678901\n"
          "# HELP tandem_backend_lag_seconds How far a replica is behind, where it reports time.\n"
          "# TYPE tandem_backend_lag_seconds gauge\n"
          "tandem_backend_lag_seconds{cluster=\"orders\",backend=\"pg-0\"} 0.25\n"
          "# HELP process_cpu_seconds Total user and system CPU time spent in seconds.\n"
          "# TYPE process_cpu_seconds counter\n"
          "process_cpu_seconds_total 1.5\n"
          "# EOF\n");
  }

  TEST_CASE("OpenMetrics writes canonical bounds and every bucket up to infinity") {
    Collection collection;
    collection.add(Metric::session_duration_seconds, {"web"},
                   HistogramValue{{0.0001, 1, 2.5, 10000}, {0, 1, 2, 2, 5}, 40000.5});

    const std::string text = expose(collection, Format::open_metrics);

    CHECK(contains(text,
                   "# TYPE tandem_session_duration_seconds histogram\n"
                   "tandem_session_duration_seconds_bucket{pool=\"web\",le=\"0.0001\"} 0\n"
                   "tandem_session_duration_seconds_bucket{pool=\"web\",le=\"1.0\"} 1\n"
                   "tandem_session_duration_seconds_bucket{pool=\"web\",le=\"2.5\"} 2\n"
                   "tandem_session_duration_seconds_bucket{pool=\"web\",le=\"10000.0\"} 2\n"
                   "tandem_session_duration_seconds_bucket{pool=\"web\",le=\"+Inf\"} 5\n"
                   "tandem_session_duration_seconds_count{pool=\"web\"} 5\n"
                   "tandem_session_duration_seconds_sum{pool=\"web\"} 40000.5\n"));
  }

  TEST_CASE("label values are escaped in both formats") {
    for (const Format format : {Format::text, Format::open_metrics}) {
      const std::string text = expose(full_collection(), format);
      CHECK(contains(text, "\"b \\\"quoted\\\" \\\\ and\\nbroken\""));
    }
  }

  TEST_CASE("promtool finds nothing to say about a full exposition") {
    if (!promtool_is_there()) {
      return;
    }
    const Folder folder;
    const std::string text = expose(full_collection(), Format::text);
    write(folder / "metrics", text);

    const Run check = run("promtool check metrics < " + (folder / "metrics").string());

    CHECK(check.output == "");
    CHECK(check.status == 0);
    for (const MetricDescription& metric : kCatalog) {
      CHECK(contains(text, "# TYPE " + std::string(metric.name) + " "));
    }
  }

  TEST_CASE("Prometheus parses a full OpenMetrics exposition") {
    if (!promtool_is_there()) {
      return;
    }
    const Folder folder;
    std::istringstream lines(expose(full_collection(), Format::open_metrics));
    std::string timed;  // promtool stores only samples with a time
    for (std::string line; std::getline(lines, line);) {
      timed += line + (line.starts_with('#') ? "\n" : " 1700000000\n");
    }
    write(folder / "metrics", timed);

    const Run check = run("promtool tsdb create-blocks-from openmetrics " + (folder / "metrics").string() + " " +
                          (folder / "blocks").string());

    CAPTURE(check.output);
    CHECK(check.status == 0);
  }

  TEST_CASE("5000 backends are written well within a second") {
    for (const Format format : {Format::text, Format::open_metrics}) {
      const auto start = std::chrono::steady_clock::now();
      const Collection collection = large_collection();
      const auto filled = std::chrono::steady_clock::now();
      const std::string text = expose(collection, format);
      const auto done = std::chrono::steady_clock::now();

      using Milliseconds = std::chrono::duration<double, std::milli>;
      std::cout << "5000 backends, " << (format == Format::text ? "text" : "OpenMetrics") << ": filled in "
                << Milliseconds(filled - start).count() << " ms, written in " << Milliseconds(done - filled).count()
                << " ms, " << text.size() / 1024 << " KiB\n";
      CHECK(done - start < std::chrono::seconds(10));  // unoptimised, under sanitizers, on a busy machine
    }
  }
}

TEST_SUITE("metrics/process") {
  TEST_CASE("the kernel says something plausible of this process") {
    const ProcessUsage usage = read_process_usage();

    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    REQUIRE(usage.start_time);
    CHECK(*usage.start_time <= now.count() + 2);
    CHECK(*usage.start_time > now.count() - 86400);
    REQUIRE(usage.cpu_seconds);
    CHECK(*usage.cpu_seconds < 86400);
    REQUIRE(usage.resident_bytes);
    CHECK(*usage.resident_bytes > 1'000'000);
    REQUIRE(usage.virtual_bytes);
    CHECK(*usage.virtual_bytes > *usage.resident_bytes);
    REQUIRE(usage.open_fds);
    CHECK(*usage.open_fds >= 3);
    REQUIRE(usage.max_fds);
    CHECK(*usage.max_fds > *usage.open_fds);
  }

  TEST_CASE("an open file counts as one descriptor more") {
    const auto before = read_process_usage().open_fds;
    const std::ifstream file("/proc/self/stat");

    const auto after = read_process_usage().open_fds;

    REQUIRE((before && after));
    CHECK(*after == *before + 1);
  }

  TEST_CASE("a value that could not be read is left out") {
    Collection collection;

    add(collection, ProcessUsage{.cpu_seconds = {},
                                 .open_fds = 7,
                                 .max_fds = {},
                                 .resident_bytes = {},
                                 .virtual_bytes = {},
                                 .start_time = {}});

    CHECK(expose(collection, Format::text).starts_with("# HELP process_open_fds "));
    CHECK(collection.samples(Metric::process_max_fds).empty());
  }
}

}  // namespace tandem::metrics
