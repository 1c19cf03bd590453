#include "metrics/catalog.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace tandem::metrics {

TEST_SUITE("metrics/catalog") {
  TEST_CASE("every metric stands at its own place and is named once") {
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < kCatalog.size(); ++index) {
      CHECK(static_cast<std::size_t>(kCatalog[index].metric) == index);
      CHECK(names.insert(kCatalog[index].name).second);
    }
  }

  TEST_CASE("names follow the conventions of Prometheus") {
    for (const MetricDescription& metric : kCatalog) {
      CAPTURE(metric.name);
      CHECK((metric.name.starts_with("tandem_") || metric.name.starts_with("process_")));
      CHECK((metric.type == MetricType::counter) == metric.name.ends_with("_total"));
      CHECK_FALSE(metric.help.empty());
    }
  }

  TEST_CASE("the documentation names every metric with its labels") {
    std::ifstream file(TANDEM_SOURCE_DIR "/docs/metrics.md");
    std::stringstream text;
    text << file.rdbuf();
    const std::string page = text.str();
    REQUIRE_FALSE(page.empty());

    for (const MetricDescription& metric : kCatalog) {
      CAPTURE(metric.name);
      const auto start = page.find("| `" + std::string(metric.name) + "` |");
      CHECK(start != std::string::npos);
      if (start == std::string::npos) {
        continue;
      }
      const std::string row = page.substr(start, page.find('\n', start) - start);
      for (std::size_t label = 0; label < metric.label_count(); ++label) {
        CAPTURE(metric.labels[label]);
        CHECK(row.find("`" + std::string(metric.labels[label]) + "`") != std::string::npos);
      }
    }
  }
}

}  // namespace tandem::metrics
