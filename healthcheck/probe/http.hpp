#pragma once

#include <string>
#include <string_view>

#include "base/address.hpp"
#include "healthcheck/options.hpp"
#include "healthcheck/probe/dialogue.hpp"
#include "healthcheck/probe/http_answer.hpp"

namespace tandem::healthcheck {

/// The request: HTTP/1.1, `Connection: close`, `User-Agent: tandem`. `host` is the Host header's value.
std::string http_request(const HttpProbeOptions& options, std::string_view host);

/// What an answer proves, by the options' expectations. Pure.
Verdict judge_http(const HttpProbeOptions& options, const HttpAnswer& answer);

/// `type = "http"`.
class HttpDialogue final : public Dialogue {
 public:
  /// `address` is whom the probe connects to; it is the Host where the options name none.
  HttpDialogue(const HttpProbeOptions& options, const Endpoint& address);

  std::string opening() override { return request_; }
  std::optional<Verdict> on_bytes(Bytes bytes) override;
  Verdict on_end() override;
  [[nodiscard]] std::string_view waits_for() const override { return reader_.has_head() ? "HTTP body" : "HTTP head"; }

 private:
  HttpProbeOptions options_;
  std::string request_;
  HttpAnswerReader reader_;
};

}  // namespace tandem::healthcheck
