#pragma once

#include <boost/system/result.hpp>
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace tandem {

/// Why something could not be done: names the thing, the value and the cause.
struct Error {
  std::string text;

  friend bool operator==(const Error&, const Error&) = default;
};

/// A value or an Error. There is no throwing access: test it, then dereference.
template <class T = void>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
  using Base = boost::system::result<T, Error>;

 public:
  Result() = default;
  Result(Error error) : Base(boost::system::in_place_error, std::move(error)) {}

  // Not the base's constructors: in C++20 an Error counts as constructible from a string, which hides theirs for one.
  // NOLINTBEGIN(bugprone-forwarding-reference-overload): the requirement excludes a Result
  template <class Value>
  requires(std::convertible_to<Value, T> && !std::same_as<std::remove_cvref_t<Value>, Error> &&
           !std::same_as<std::remove_cvref_t<Value>, Result>) Result(Value&& value)
      : Base(boost::system::in_place_value, std::forward<Value>(value)) {}
  // NOLINTEND(bugprone-forwarding-reference-overload)
};

}  // namespace tandem
