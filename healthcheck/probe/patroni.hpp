#pragma once

#include <cstdint>
#include <memory>

#include "base/address.hpp"
#include "healthcheck/probe/dialogue.hpp"
#include "healthcheck/probe/http_answer.hpp"
#include "healthcheck/probe/probe.hpp"
#include "healthcheck/probe/stream.hpp"

namespace tandem::healthcheck {

/// Where Patroni's REST API listens unless told otherwise.
constexpr std::uint16_t kPatroniPort = 8008;

/// What Patroni's answer to `GET /primary` proves. Primary is who holds the leader lock and runs as a primary;
/// a replica's lag is left to whoever knows the primary's position. Understands Patroni 2 to 4. Pure.
Verdict judge_patroni(const HttpAnswer& answer);

/// Asks Patroni once.
class PatroniDialogue final : public Dialogue {
 public:
  explicit PatroniDialogue(const Endpoint& rest);

  std::string opening() override { return request_; }
  std::optional<Verdict> on_bytes(Bytes bytes) override;
  Verdict on_end() override;
  [[nodiscard]] std::string_view waits_for() const override { return "Patroni's answer"; }

 private:
  std::string request_;
  HttpAnswerReader reader_{HttpAnswerReader::Body::expected};
};

/// `type = "patroni"`: asks the REST API, then sees that PostgreSQL's own port takes connections: Patroni may answer
/// before it does. One timeout for both.
class PatroniProbe final : public Probe, public std::enable_shared_from_this<PatroniProbe> {
 public:
  PatroniProbe(std::shared_ptr<Surroundings> surroundings, StreamProbe::Plan rest, const Endpoint& postgres);

  void start(Instant now, Done done) override;
  void cancel() override;

 private:
  void on_answer(const Verdict& verdict, Evidence evidence);

  std::shared_ptr<Surroundings> surroundings_;
  StreamProbe::Plan plan_;
  Endpoint postgres_;
  std::shared_ptr<StreamProbe> rest_;
  std::shared_ptr<StreamProbe> port_;
  Done done_;
};

}  // namespace tandem::healthcheck
