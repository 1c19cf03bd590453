// What is done to the pair and its databases, one after the other.

#include <chrono>
#include <string>
#include <utility>

#include "app/demo/play.hpp"
#include "base/text.hpp"

namespace tandem::app::demo {

void Play::kill_serving(Duration now) {
  taken_from_ = &active();
  if (auto killed = taken_from_->kill_serving(); !killed) {
    return fail(now, killed.error().text);
  }
  tally_.begin(concat("kill -9 of the process that serves on ", taken_from_->name()), Measured::everybody, now);
  story_.tell(now, Tone::bad,
              concat("kill -9 of the process that serves on ", taken_from_->name(), ", the active node"));
}

void Play::cut_power(Duration now) {
  taken_from_ = &active();
  tally_.begin(concat("power cut on ", taken_from_->name()), Measured::everybody, now);
  story_.tell(now, Tone::bad,
              concat("power cut on ", taken_from_->name(),
                     ", the active node: kill -9 of all its processes, its network gone without a word"));
  taken_from_->power_off(lan_.front());
}

void Play::end_takeover(Duration now) {
  tally_.end(now);
  if (tally_.incidents().empty() || taken_from_ == nullptr) {
    return;
  }
  Node& successor = taken_from_ == &nodes_[0] ? nodes_[1] : nodes_[0];
  const Incident& incident = tally_.incidents().back();
  if (!successor.holds_address() || taken_from_->holds_address() || !incident.answered) {
    return fail(now, concat(successor.name(), " did not take over: ", cost_of(incident)));
  }
  story_.tell(now, Tone::good, concat(successor.name(), " carries on: ", cost_of(incident)));
}

void Play::restore_power(Duration now) {
  story_.tell(now, Tone::plain, concat(taken_from_->name(), " has power again and starts"));
  if (auto on = taken_from_->power_on(lan_.front()); !on) {
    fail(now, on.error().text);
  }
}

void Play::kill_primary(Duration now) {
  killed_ = ledger_->leader;
  databases_[killed_].kill();
  tally_.begin(concat(name_of_database(killed_), ", the primary, killed"), Measured::writes, now);
  story_.tell(now, Tone::bad,
              concat("kill -9 of ", name_of_database(killed_), ", the primary; its lock is still held"));
}

void Play::promote_another(Duration now) {
  const std::uint32_t successor = (killed_ + 1) % static_cast<std::uint32_t>(databases_.size());
  ++ledger_->timeline;
  ledger_->leader = successor;
  tally_.on_promoted(now);
  story_.tell(
      now, Tone::plain,
      concat(name_of_database(successor), " gets the lock and promotes itself: timeline ", ledger_->timeline.load()));
}

void Play::end_promotion(Duration now) {
  tally_.end(now);
  const Incident& incident = tally_.incidents().back();
  if (!incident.first_write_after) {
    return fail(now, concat("no write since the promotion: ", cost_of(incident)));
  }
  story_.tell(now, Tone::good, concat(name_of_database(ledger_->leader), " takes the writes: ", cost_of(incident)));
}

void Play::return_the_old_one(Duration now) {
  story_.tell(now, Tone::plain, concat(name_of_database(killed_), " returns as replica"));
  if (auto started = start_database(killed_); !started) {
    fail(now, started.error().text);
  }
}

void Play::hand_over(Duration now) {
  taken_from_ = &active();
  tally_.begin(concat("tandem handover on ", taken_from_->name()), Measured::everybody, now);
  story_.tell(now, Tone::plain, concat("tandem handover on ", taken_from_->name(), ", the active node"));
  auto command = taken_from_->hand_over();
  if (!command) {
    return fail(now, command.error().text);
  }
  command_ = std::move(*command);
}

void Play::end_handover(Duration now) {
  static_cast<void>(command_.running());  // collects it
  if (command_.exit_status() != 0) {
    fail(now, concat("`tandem handover` says: ", taken_from_->last_words_of("handover.log")));
  }
  end_takeover(now);
}

}  // namespace tandem::app::demo
