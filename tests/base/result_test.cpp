#include "base/result.hpp"

#include <doctest/doctest.h>

namespace tandem {

namespace {

Result<std::string> read_name(const std::string& name) {
  if (name.empty()) {
    return Error{"a name is empty"};
  }
  return name;
}

Result<> require(bool there) {
  if (!there) {
    return Error{"it is not there"};
  }
  return {};
}

}  // namespace

TEST_SUITE("base/result") {
  TEST_CASE("a result of a string tells a value from an error") {
    CHECK(*read_name("orders") == "orders");
    CHECK(read_name("").error().text == "a name is empty");
  }

  TEST_CASE("a result without a value says whether it was done") {
    CHECK(require(true).has_value());
    CHECK(require(false).error().text == "it is not there");
  }
}

}  // namespace tandem
