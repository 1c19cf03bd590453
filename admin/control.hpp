#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/event_log.hpp"
#include "admin/view.hpp"
#include "base/time.hpp"
#include "metrics/collection.hpp"

namespace tandem::admin {

/// How a command ended; each is an HTTP status.
enum class Outcome : std::uint8_t {
  done,         // 200
  bad_request,  // 400: the order makes no sense
  not_found,    // 404: no such cluster, backend or virtual router
  conflict,     // 409: it cannot be done as things are
  failed,       // 500: it was tried and did not work
};

/// What a command did.
struct Answer {
  Outcome outcome = Outcome::done;
  std::vector<std::string> lines;  // what happened, for people; otherwise why not

  static Answer done(std::vector<std::string> lines) {
    Answer answer;
    answer.lines = std::move(lines);
    return answer;
  }
  static Answer refused(Outcome outcome, std::string why) {
    Answer answer;
    answer.outcome = outcome;
    answer.lines.push_back(std::move(why));
    return answer;
  }
};

/// A person's word on a backend.
struct BackendOrder {
  std::string cluster;
  std::string backend;
  std::optional<Duration> lasts;  // drain only: none is until somebody takes it back
  std::string reason;             // may be empty
  std::string who;                // "alice", "uid 1000", "token from 127.0.0.1"
};

/// Whether it can do its work, and if not, why.
struct Readiness {
  bool ready = true;
  std::vector<std::string> reasons;
};

/// What the admin API shows and orders: the controller behind it. Everything is called on the server's thread (the
/// control thread) and returns at once, except that reload() may answer later.
class Control {
 public:
  virtual ~Control() = default;

  /// A Host header may carry it.
  [[nodiscard]] virtual std::string node_name() const = 0;
  [[nodiscard]] virtual View view() const = 0;
  /// Everything but process_* and tandem_admin_*, which the server adds.
  [[nodiscard]] virtual metrics::Collection collect() const = 0;
  /// Outlives the server.
  [[nodiscard]] virtual EventLog& events() = 0;
  /// `/healthz`: the process turns.
  [[nodiscard]] virtual Readiness health() const = 0;
  /// `/readyz`: it can serve: listeners bound, first verdicts in.
  [[nodiscard]] virtual Readiness readiness() const = 0;

  virtual Answer drain(const BackendOrder& order) = 0;
  virtual Answer ready(const BackendOrder& order) = 0;
  virtual Answer promote(const BackendOrder& order) = 0;
  /// Gives the addresses of a virtual router, and of its sync group, to the peer.
  virtual Answer handover(const std::string& instance, const std::string& who) = 0;
  /// Reads the file again; calls `done` once, on the same thread, at once or later. `done` outlives the server.
  virtual void reload(const std::string& who, std::function<void(Answer)> done) = 0;
};

}  // namespace tandem::admin
