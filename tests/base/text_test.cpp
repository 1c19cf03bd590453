#include "base/text.hpp"

#include <doctest/doctest.h>

namespace tandem {

TEST_SUITE("base/text") {
  TEST_CASE("the nearest word is found across one or two typing errors") {
    const std::vector<std::string_view> known{"interval", "fast_interval", "timeout", "rise", "fall"};

    CHECK(nearest("intervall", known) == "interval");
    CHECK(nearest("tiemout", known) == "timeout");
    CHECK(nearest("raise", known) == "rise");
    CHECK(nearest("password", known).empty());
    CHECK(nearest("", known).empty());
  }

  TEST_CASE("a size is a number and a unit") {
    CHECK(*parse_size("64KiB") == 65'536);
    CHECK(*parse_size("1MB") == 1'000'000);
    CHECK(*parse_size("0B") == 0);
    CHECK(parse_size("64").error().text == "\"64\" has no unit; write \"64B\" for bytes or \"64KiB\"");
    CHECK(parse_size("1mb").error().text == "\"1mb\" has the unknown unit \"mb\"; there are: B KB KiB MB MiB GB GiB");
    CHECK(parse_size("99999999999999999999GB").error().text == "\"99999999999999999999GB\" is too large a size");
    CHECK(parse_size("GB").has_error());
  }

  TEST_CASE("a number of bytes for people keeps three digits") {
    CHECK(bytes_rounded(999) == "999 B");
    CHECK(bytes_rounded(12'345'678) == "12.3 MB");
    CHECK(bytes_rounded(999'600) == "1 MB");
  }
}

}  // namespace tandem
