#pragma once

#include <boost/system/result.hpp>
#include <string>
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
 public:
  using boost::system::result<T, Error>::result;
};

}  // namespace tandem
