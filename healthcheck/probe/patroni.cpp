#include "healthcheck/probe/patroni.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "healthcheck/outside_text.hpp"
#include "healthcheck/probe/http.hpp"
#include "healthcheck/probe/tcp.hpp"

namespace tandem::healthcheck {

namespace json = boost::json;

namespace {

std::string_view text_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  const json::string* text = found != nullptr ? found->if_string() : nullptr;
  return text != nullptr ? std::string_view(text->data(), text->size()) : std::string_view{};
}

std::optional<std::uint64_t> number_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_number() || found->is_double()) {
    return std::nullopt;
  }
  boost::system::error_code error;
  const auto number = found->to_number<std::uint64_t>(error);
  return error ? std::nullopt : std::optional(number);
}

bool tagged(const json::object& answer, std::string_view tag) {
  const json::value* tags = answer.if_contains("tags");
  const json::object* names = tags != nullptr ? tags->if_object() : nullptr;
  const json::value* found = names != nullptr ? names->if_contains(tag) : nullptr;
  return found != nullptr && found->is_bool() && found->get_bool();
}

/// "replica", or what is peculiar about a node that is neither it nor a primary that holds the lock.
std::string role_text(std::string_view said, bool says_primary, bool lock) {
  const std::string role = says_primary ? "primary" : outside_text(said, 40);
  if (says_primary && !lock) {
    return role + " without the leader lock";
  }
  return !says_primary && lock ? role + " with the leader lock" : role;
}

}  // namespace

Verdict judge_patroni(const HttpAnswer& answer) {
  if (answer.status != 200 && answer.status != 503) {
    return unreachable(concat("HTTP ", answer.status, " from Patroni, wanted 200 or 503"));
  }
  boost::system::error_code error;
  const json::value body = json::parse(answer.body, error);
  const json::object* object = error ? nullptr : body.if_object();
  if (object == nullptr) {
    return unreachable(concat("HTTP ", answer.status, ", body is not Patroni's JSON",
                              error ? concat(": ", error.message()) : std::string()));
  }
  const std::string_view state = text_at(*object, "state");
  const std::string_view role = text_at(*object, "role");
  if (state.empty() || role.empty()) {
    return unreachable(
        concat("HTTP ", answer.status, ", body is not Patroni's: no ", state.empty() ? "state" : "role"));
  }
  const bool lock = answer.status == 200;
  const bool says_primary = role == "primary" || role == "master";  // "master" until Patroni 4
  Verdict verdict;
  verdict.role_definite = true;
  verdict.role = says_primary ? (lock ? Role::primary : Role::none) : role == "replica" ? Role::replica : Role::none;
  if (state != "running") {
    verdict.reason = concat("PostgreSQL is ", outside_text(state, 40));
    return verdict;
  }
  verdict.reachable = true;
  verdict.takes_reads = !tagged(*object, "noloadbalance");
  verdict.reason = concat("role ", role_text(role, says_primary, lock));
  verdict.epoch = number_at(*object, "timeline");
  if (verdict.epoch) {
    verdict.reason += concat(", timeline ", *verdict.epoch);
  }
  const json::value* log = object->if_contains("xlog");
  if (const json::object* positions = log != nullptr ? log->if_object() : nullptr) {
    verdict.position = number_at(*positions, says_primary ? "location" : "replayed_location");
  }
  return verdict;
}

PatroniDialogue::PatroniDialogue(const Endpoint& rest) {
  HttpProbeOptions request;
  request.path = "/primary";
  request_ = http_request(request, to_string(rest));
}

std::optional<Verdict> PatroniDialogue::on_bytes(Bytes bytes) {
  if (const Result<> read = reader_.on_bytes(bytes); !read) {
    return unreachable(read.error().text);
  }
  return reader_.complete() ? std::optional(judge_patroni(reader_.take())) : std::nullopt;
}

Verdict PatroniDialogue::on_end() {
  if (const Result<> read = reader_.on_end(); !read) {
    return unreachable(read.error().text);
  }
  return judge_patroni(reader_.take());
}

PatroniProbe::PatroniProbe(std::shared_ptr<Surroundings> surroundings, StreamProbe::Plan rest, const Endpoint& postgres)
    : surroundings_(std::move(surroundings)), plan_(std::move(rest)), postgres_(postgres) {}

void PatroniProbe::start(Instant now, Done done) {
  done_ = std::move(done);
  rest_ = std::make_shared<StreamProbe>(surroundings_, plan_, std::make_unique<PatroniDialogue>(plan_.to));
  rest_->start(now, [self = shared_from_this()](const Verdict& verdict, Evidence evidence) {
    self->on_answer(verdict, evidence);
  });
}

void PatroniProbe::on_answer(const Verdict& verdict, Evidence evidence) {
  if (!verdict.reachable || postgres_ == plan_.to) {
    std::exchange(done_, nullptr)(verdict, evidence);
    return;
  }
  StreamProbe::Plan plan;
  plan.to = postgres_;
  plan.timeout = plan_.timeout;
  plan.elapsed = plan_.timeout - rest_->remaining();
  port_ =
      std::make_shared<StreamProbe>(surroundings_, std::move(plan), std::make_unique<TcpDialogue>(TcpProbeOptions{}));
  const Instant now = std::chrono::steady_clock::now();
  port_->start(now, [self = shared_from_this(), said = verdict](const Verdict& port, Evidence port_evidence) {
    Verdict both = said;
    if (!port.reachable) {
      both.reachable = false;
      both.reason = concat("PostgreSQL port ", self->postgres_.port, ": ", port.reason);
    }
    std::exchange(self->done_, nullptr)(both, port_evidence);
  });
}

void PatroniProbe::cancel() {
  done_ = nullptr;
  if (rest_) {
    rest_->cancel();
  }
  if (port_) {
    port_->cancel();
  }
}

}  // namespace tandem::healthcheck
