#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <variant>

#include "base/address.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "vrrp/action.hpp"
#include "vrrp/event.hpp"
#include "vrrp/state_machine.hpp"

namespace tandem::vrrp {

/// Where the tests' time begins.
inline constexpr Instant start{std::chrono::hours(1)};

struct ActionText {
  std::string operator()(const SendAdvert& action) const {
    return concat("SendAdvert{", static_cast<int>(action.priority), "}");
  }
  std::string operator()(const AcquireAddresses& /*action*/) const { return "AcquireAddresses"; }
  std::string operator()(const ReleaseAddresses& /*action*/) const { return "ReleaseAddresses"; }
  std::string operator()(const Announce& action) const { return concat("Announce{", int{action.repeat}, "}"); }
  std::string operator()(const ReportContest& action) const {
    return concat("ReportContest{", to_string(action.other), action.contest == Contest::won ? " won}" : " lost}");
  }
};

inline std::string text(const Actions& actions) {
  std::string result;
  for (const Action& action : actions) {
    result += (result.empty() ? "" : " ") + std::visit(ActionText{}, action);
  }
  return result.empty() ? "nothing" : result;
}

}  // namespace tandem::vrrp

template <>
struct doctest::StringMaker<tandem::vrrp::Actions> {
  static String convert(const tandem::vrrp::Actions& actions) { return tandem::vrrp::text(actions).c_str(); }
};

template <>
struct doctest::StringMaker<std::optional<tandem::Instant>> {
  static String convert(const std::optional<tandem::Instant>& at) {
    return at ? ("start + " + tandem::to_string(*at - tandem::vrrp::start)).c_str() : "never";
  }
};

template <>
struct doctest::StringMaker<tandem::vrrp::State> {
  static String convert(tandem::vrrp::State state) { return std::string(name(state)).c_str(); }
};

template <>
struct doctest::StringMaker<tandem::Duration> {
  static String convert(tandem::Duration duration) { return tandem::to_string(duration).c_str(); }
};
