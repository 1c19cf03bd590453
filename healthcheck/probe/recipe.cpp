#include "healthcheck/probe/recipe.hpp"

#include <utility>
#include <variant>

#include "healthcheck/check_options.hpp"
#include "healthcheck/probe/exec.hpp"
#include "healthcheck/probe/http.hpp"
#include "healthcheck/probe/patroni.hpp"
#include "healthcheck/probe/tcp.hpp"

namespace tandem::healthcheck {

namespace {

net::TlsClientOptions client_options(const TlsOptions& options) {
  return {.verify = options.verify ? net::TlsVerify::yes : net::TlsVerify::no,
          .ca_file = options.ca_file,
          .cert_file = options.cert_file,
          .key_file = options.key_file};
}

/// Fails with what was wrong before it began.
class BrokenProbe final : public Probe {
 public:
  explicit BrokenProbe(std::string reason) : reason_(std::move(reason)) {}

  void start(Instant /*now*/, Done done) override { done(unreachable(reason_), Evidence::counts); }
  void cancel() override {}

 private:
  std::string reason_;
};

const std::optional<TlsOptions>* tls_of(const ProbeOptions& options) {
  if (const auto* http = std::get_if<HttpProbeOptions>(&options.kind)) {
    return &http->tls;
  }
  if (const auto* patroni = std::get_if<PatroniProbeOptions>(&options.kind)) {
    return &patroni->tls;
  }
  return nullptr;
}

}  // namespace

Result<> check_tls(const TlsOptions& options) {
  if (const auto made = net::TlsClientContext::make(client_options(options)); !made) {
    return made.error();
  }
  return {};
}

ProbeRecipe::ProbeRecipe(std::shared_ptr<Surroundings> surroundings, std::shared_ptr<const ProbeOptions> options)
    : surroundings_(std::move(surroundings)), options_(std::move(options)) {
  const std::optional<TlsOptions>* tls = tls_of(*options_);
  if (tls == nullptr || !*tls) {
    return;
  }
  auto made = net::TlsClientContext::make(client_options(**tls));
  if (!made) {
    tls_error_ = made.error().text;
    return;
  }
  tls_ = *made;
  server_name_ = (*tls)->server_name;
  if (const auto* http = std::get_if<HttpProbeOptions>(&options_->kind); http != nullptr && server_name_.empty()) {
    server_name_ = http->host.substr(0, http->host.find(':'));
  }
}

StreamProbe::Plan ProbeRecipe::plan(const Target& target) const {
  StreamProbe::Plan plan;
  plan.to = {target.address.address, options_->port.value_or(target.address.port)};
  plan.timeout = options_->timeout;
  plan.tls = tls_;
  plan.server_name = server_name_.empty() ? to_string(target.address.address) : server_name_;
  return plan;
}

std::shared_ptr<Probe> ProbeRecipe::make(const Target& target) const {
  if (!tls_error_.empty()) {
    return std::make_shared<BrokenProbe>(tls_error_);
  }
  StreamProbe::Plan plan = this->plan(target);
  if (const auto* tcp = std::get_if<TcpProbeOptions>(&options_->kind)) {
    return std::make_shared<StreamProbe>(surroundings_, std::move(plan), std::make_unique<TcpDialogue>(*tcp));
  }
  if (const auto* http = std::get_if<HttpProbeOptions>(&options_->kind)) {
    auto dialogue = std::make_unique<HttpDialogue>(*http, plan.to);
    return std::make_shared<StreamProbe>(surroundings_, std::move(plan), std::move(dialogue));
  }
  if (std::holds_alternative<PatroniProbeOptions>(options_->kind)) {
    plan.to.port = options_->port.value_or(kPatroniPort);
    return std::make_shared<PatroniProbe>(surroundings_, std::move(plan), target.address);
  }
  return std::make_shared<ExecProbe>(surroundings_, target, options_);
}

}  // namespace tandem::healthcheck
