#include "metrics/format.hpp"

#include <doctest/doctest.h>

namespace tandem::metrics {

TEST_SUITE("metrics/format") {
  TEST_CASE("OpenMetrics is written only for those who prefer it") {
    struct Case {
      std::string_view accept;
      Format format;
    };
    const Case cases[] = {
        {"", Format::text},
        {"*/*", Format::text},
        {"text/plain", Format::text},
        {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Format::text},
        {"application/openmetrics-text", Format::open_metrics},
        {"Application/OpenMetrics-Text; Version=\"1.0.0\"", Format::open_metrics},
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/"
         "plain;version=0.0.4;q=0.5,*/*;q=0.1",
         Format::open_metrics},
        {"application/openmetrics-text;version=0.0.1", Format::text},
        {"application/openmetrics-text;q=0.2, text/plain;q=0.5", Format::text},
        {"application/openmetrics-text;q=0", Format::text},
        {"application/openmetrics-text;q=nonsense", Format::text},
        {",;=;,,", Format::text},
    };
    for (const Case& one : cases) {
      CAPTURE(one.accept);
      CHECK((choose_format(one.accept) == one.format));
    }
  }
}

}  // namespace tandem::metrics
