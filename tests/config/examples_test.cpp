#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "config/pairing.hpp"
#include "config/reader.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;

TEST_SUITE("config/examples") {
  TEST_CASE("every example is read without a problem") {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(concat(TANDEM_SOURCE_DIR, "/examples"))) {
      if (entry.path().extension() == ".toml") {
        files.push_back(entry.path().string());
      }
    }
    REQUIRE(files.size() >= 3);
    for (const std::string& file : files) {
      CAPTURE(file);
      const Reading reading = read_file(file);
      CHECK(join(lines(reading), "\n").empty());
      CHECK(reading.config);
    }
  }

  TEST_CASE("the two files of a pair go together") {
    const Reading one = read_file(concat(TANDEM_SOURCE_DIR, "/examples/pair-a.toml"));
    const Reading other = read_file(concat(TANDEM_SOURCE_DIR, "/examples/pair-b.toml"));
    REQUIRE(one.config);
    REQUIRE(other.config);

    CHECK(join(mismatches(*one.config, *other.config), "\n").empty());
  }
}
