#include "metrics/histogram.hpp"

#include <doctest/doctest.h>

#include "metrics/counter.hpp"

namespace tandem::metrics {

using namespace std::chrono_literals;

TEST_SUITE("metrics/histogram") {
  TEST_CASE("a duration counts in the first bucket whose bound it does not exceed") {
    DurationHistogram histogram;
    histogram.observe(100us);
    histogram.observe(101us);

    const HistogramValue value = histogram.value();

    CHECK(value.bounds[0] == 0.0001);
    CHECK(value.cumulative[0] == 1);
    CHECK(value.cumulative[1] == 2);
    CHECK(value.cumulative.back() == 2);
    CHECK(value.cumulative.size() == value.bounds.size() + 1);
    CHECK(value.sum == doctest::Approx(0.000201));
  }

  TEST_CASE("what is longer than every bound counts only in the total") {
    DurationHistogram histogram;
    histogram.observe(20000s);

    const HistogramValue value = histogram.value();

    CHECK(value.cumulative[DurationHistogram::kBuckets - 1] == 0);
    CHECK(value.cumulative[DurationHistogram::kBuckets] == 1);
  }

  TEST_CASE("a negative duration does not shrink the sum") {
    DurationHistogram histogram;
    histogram.observe(-1s);

    CHECK(histogram.value().sum == 0.0);
    CHECK(histogram.value().cumulative[0] == 1);
  }

  TEST_CASE("the histograms of workers add up") {
    PerWorker<DurationHistogram> histograms(2);
    histograms[0].observe(1ms);
    histograms[1].observe(2s);
    histograms[1].observe(2s);

    HistogramValue total;
    for (std::size_t worker = 0; worker < histograms.size(); ++worker) {
      total += histograms[worker].value();
    }

    CHECK(total.cumulative.back() == 3);
    CHECK(total.sum == doctest::Approx(4.001));
  }
}

TEST_SUITE("metrics/counter") {
  TEST_CASE("each worker counts on its own line and the sum is of all") {
    PerWorker<Counter> counters(3);
    counters[0].add();
    counters[2].add(4);

    CHECK(counters.sum([](const Counter& counter) { return counter.value(); }) == 5);
    CHECK(reinterpret_cast<std::uintptr_t>(&counters[1]) - reinterpret_cast<std::uintptr_t>(&counters[0]) >=
          kCacheLine);
  }

  TEST_CASE("a gauge goes up and down") {
    Gauge gauge;
    gauge.add(3);
    gauge.add(-5);

    CHECK(gauge.value() == -2);
  }
}

}  // namespace tandem::metrics
