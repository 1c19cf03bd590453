#pragma once

#include <memory>
#include <string>

#include "base/address.hpp"
#include "base/ids.hpp"
#include "healthcheck/options.hpp"

namespace tandem::healthcheck {

/// A backend to probe.
struct Target {
  BackendId id{};
  ClusterId cluster{};
  std::string cluster_name;
  std::string name;
  Endpoint address;  // the backend's own; ProbeOptions::port replaces its port
  std::shared_ptr<const ProbeOptions> probe;
};

}  // namespace tandem::healthcheck
