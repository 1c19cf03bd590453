#pragma once

#include <memory>
#include <string>

#include "healthcheck/probe/probe.hpp"
#include "healthcheck/probe/stream.hpp"
#include "healthcheck/target.hpp"

namespace tandem::healthcheck {

/// Makes the probes of one ProbeOptions; what they share, such as the TLS context, is made once. Health thread.
class ProbeRecipe {
 public:
  /// Never fails: with TLS files that cannot be read every probe fails with that as its reason.
  ProbeRecipe(std::shared_ptr<Surroundings> surroundings, std::shared_ptr<const ProbeOptions> options);

  [[nodiscard]] std::shared_ptr<Probe> make(const Target& target) const;
  [[nodiscard]] const ProbeOptions& options() const { return *options_; }

 private:
  [[nodiscard]] StreamProbe::Plan plan(const Target& target) const;

  std::shared_ptr<Surroundings> surroundings_;
  std::shared_ptr<const ProbeOptions> options_;
  std::shared_ptr<const net::TlsClientContext> tls_;
  std::string server_name_;  // for TLS; empty: the backend's address
  std::string tls_error_;
};

}  // namespace tandem::healthcheck
