#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "vrrp/options.hpp"
#include "vrrp/witness_tally.hpp"

namespace tandem::vrrp {

/// Asks the witnesses of one instance, over its interface alone, whether they are there: ICMP echo, ARP or neighbour
/// solicitation, TCP connect (a refusal is an answer too). One thread. After open() nothing blocks or allocates.
class WitnessWatch {
 public:
  /// `period`: see witness_period(). Needs CAP_NET_RAW unless all are of the TCP kind. The error names the interface or
  /// the witness, and the cause.
  static Result<WitnessWatch> open(const std::vector<Witness>& witnesses, const std::string& interface, Duration period,
                                   Instant now);
  WitnessWatch(WitnessWatch&&) noexcept;
  WitnessWatch& operator=(WitnessWatch&&) noexcept;
  ~WitnessWatch();

  /// The one descriptor to poll: readable when on_events() would find something.
  [[nodiscard]] int fd() const;
  /// When on_events() is due even if nothing becomes readable.
  [[nodiscard]] Instant next_deadline() const;
  /// Takes answers in, and asks again when it is time. An interface that went and came back is found again.
  void on_events(Instant now);
  /// To be asked after on_events() of the same `now`.
  [[nodiscard]] Reach reach(Instant now) const;

 private:
  struct State;
  explicit WitnessWatch(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace tandem::vrrp
