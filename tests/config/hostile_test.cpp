#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

#include "base/text.hpp"
#include "config/reader.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;

namespace {

std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) {
    out += part;
  }
  return out;
}

/// Reads it, and checks that what is said lies within the text.
Reading read_any(const std::string& text) {
  Reading reading = read(text, no_environment);
  const auto line_count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (const Problem& problem : reading.problems) {
    CAPTURE(problem.text);
    REQUIRE(problem.line <= line_count);
    REQUIRE(problem.column <= text.size() + 1);
    REQUIRE(problem.text.find('\n') == std::string::npos);
  }
  return reading;
}

}  // namespace

TEST_SUITE("config/hostile") {
  TEST_CASE("brackets and keys without end are refused before they can overflow the stack") {
    constexpr std::string_view deep =
        "not valid here: brackets nest deeper than 32, or more than 64 keys are joined by dots";
    const auto said = [&](const std::string& text) {
      const Reading reading = read_any(text);
      REQUIRE(reading.problems.size() == 1);
      CHECK(reading.problems[0].text == deep);
      return std::pair{reading.problems[0].line, reading.problems[0].column};
    };
    CHECK(said("\nx = " + repeated("[", 1'000'000)) == std::pair{2U, 37U});
    CHECK(said("x = " + repeated("{a=", 1'000'000)).first == 1);
    CHECK(said("[" + repeated("a.", 1'000'000) + "a]\n").first == 1);
    CHECK(said(repeated("a . ", 1'000'000) + "a = 1\n").first == 1);
    CHECK(said(repeated("\"=\".", 1'000'000) + "a = 1\n").first == 1);
    CHECK(said("x = \"\"\"\n\"\"\"\n" + repeated("'#'.", 1'000'000) + "a = 1\n").first == 3);
  }

  TEST_CASE("dots and brackets in strings and comments do not count") {
    const Reading reading = read(
        concat(kGood, "# ", repeated("[.", 200), "\n[node]\nname = \"", repeated("[.", 200), "\"\n"), no_environment);

    CHECK(lines(reading).empty());
  }

  TEST_CASE("every beginning of a good file is read without a crash") {
    const std::string good = kGood;
    for (std::size_t size = 0; size < good.size(); ++size) {
      read_any(good.substr(0, size));
    }
  }

  TEST_CASE("random bytes and random damage are read without a crash") {
    std::mt19937 random(20260131);  // the seed; a failure is the same every time
    std::uniform_int_distribution<int> byte(0, 255);
    for (int round = 0; round < 3000; ++round) {
      std::string text = round % 3 == 0 ? std::string(200, ' ') : std::string(kGood);
      const int changes = round % 3 == 0 ? 200 : 1 + round % 8;
      for (int i = 0; i < changes; ++i) {
        constexpr std::string_view sharp = "[]{}=.\",'#\n\\$0-_: ";
        const auto at = random() % text.size();
        text[at] = round % 2 == 0 ? static_cast<char>(byte(random)) : sharp[random() % sharp.size()];
      }
      read_any(text);
    }
  }

  TEST_CASE("a file of five thousand backends is read with every mistake in it") {
    std::string text = "[cluster.big]\nbackends = [\n";
    for (int i = 0; i < 5'000; ++i) {
      text += concat("  { name = \"b", i, "\", address = \"10.0.", i / 250, ".", i % 250, ":80\", weigth = 1 },\n");
    }
    text += "]\n[pool.big]\ncluster = \"big\"\n[listener.big]\nbind = [\"127.0.0.1:80\"]\npool = \"big\"\n";
    const Reading reading = read_any(text);

    CHECK(reading.problems.size() == 5'000);
  }
}
