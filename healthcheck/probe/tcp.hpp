#pragma once

#include <string>

#include "healthcheck/options.hpp"
#include "healthcheck/probe/dialogue.hpp"

namespace tandem::healthcheck {

/// `type = "tcp"`: the connection alone, or what is to be sent and found in the answer. An answer of 64 KiB without
/// it is a failure.
class TcpDialogue final : public Dialogue {
 public:
  explicit TcpDialogue(const TcpProbeOptions& options) : options_(options) {}

  std::string opening() override { return options_.send; }
  std::optional<Verdict> verdict_at_once() override;
  std::optional<Verdict> on_bytes(Bytes bytes) override;
  Verdict on_end() override;
  [[nodiscard]] std::string_view waits_for() const override { return "answer"; }

 private:
  TcpProbeOptions options_;
  std::string answer_;
};

}  // namespace tandem::healthcheck
