#include "lb/relay/severing.hpp"

#include <algorithm>

namespace tandem::lb::relay {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSlotsPerTurn = 16'384;  // looked at; looking is cheap, but not free
constexpr Duration kSpreadStep = 10ms;

/// Calls end() for the sessions meant, from next_slot on, at most `budget` of them. True: reached the end.
template <class Job>
bool advance(Job& job, SessionTable& sessions, std::uint64_t& budget, std::uint32_t& slots,
             const Severing::EndSession& end) {
  for (; job.next_slot < sessions.slots(); ++job.next_slot) {
    if (budget == 0 || slots == 0) {
      return false;
    }
    --slots;
    Session* session = sessions.at(job.next_slot);
    if (session != nullptr && matches(job.order, *session, job.last_serial)) {
      end(*session, job.order);
      --budget;
    }
  }
  return true;
}

}  // namespace

bool matches(const Sever& order, const Session& session, std::uint64_t last_serial) {
  if (session.state.phase() == Phase::closed || (order.entry_pool && *order.entry_pool != session.entry_pool) ||
      (order.listener && *order.listener != session.listener->spec().id)) {
    return false;
  }
  if (!order.pool && !order.backend) {
    return true;
  }
  return session.choice && session.choice->serial <= last_serial &&
         (!order.pool || *order.pool == session.choice->pool) &&
         (!order.backend || *order.backend == session.choice->backend->id);
}

void Severing::begin(const std::vector<Sever>& orders, std::shared_ptr<Publication> publication,
                     std::uint64_t last_serial, SessionTable& sessions, Instant now) {
  bool any_at_once = false;
  for (const Sever& order : orders) {
    if (order.over <= Duration{0}) {
      at_once_.push_back({order, last_serial, 0, nullptr});
      any_at_once = true;
      continue;
    }
    Spread job{order, last_serial, 0, 0, 0, now};
    sessions.for_each([&](const Session& session) { job.total += matches(order, session, last_serial) ? 1 : 0; });
    if (job.total > 0) {
      spread_.push_back(job);
      next_spread_ = now;
    }
  }
  if (any_at_once) {
    at_once_.back().publication = std::move(publication);
  } else if (publication) {
    publication->done();
  }
}

const Sever* Severing::order_for(const Session& session) const {
  const auto found = std::find_if(at_once_.begin(), at_once_.end(),
                                  [&](const AtOnce& job) { return matches(job.order, session, job.last_serial); });
  return found == at_once_.end() ? nullptr : &found->order;
}

void Severing::run(SessionTable& sessions, Instant now, const EndSession& end) {
  run_at_once(sessions, end);
  if (!spread_.empty() && now >= next_spread_) {
    next_spread_ = now + kSpreadStep;
    spread_.remove_if([&](Spread& job) { return run_spread(job, sessions, now, end); });
  }
}

void Severing::run_at_once(SessionTable& sessions, const EndSession& end) {
  std::uint64_t budget = kPerTurn;
  std::uint32_t slots = kSlotsPerTurn;
  while (!at_once_.empty() && advance(at_once_.front(), sessions, budget, slots, end)) {
    if (at_once_.front().publication) {
      at_once_.front().publication->done();
    }
    at_once_.pop_front();
  }
}

bool Severing::run_spread(Spread& job, SessionTable& sessions, Instant now, const EndSession& end) {
  const double part =
      std::min(1.0, static_cast<double>((now - job.began).count()) / static_cast<double>(job.order.over.count()));
  const auto due = part >= 1.0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(static_cast<double>(job.total) * part);
  if (due <= job.done) {
    return false;
  }
  const std::uint64_t share = std::min<std::uint64_t>(due - job.done, kPerTurn);
  std::uint64_t budget = share;
  std::uint32_t slots = kSlotsPerTurn;
  const bool at_end = advance(job, sessions, budget, slots, end);
  job.done += share - budget;
  return at_end;
}

std::optional<Instant> Severing::next_deadline() const {
  return spread_.empty() ? std::nullopt : std::optional(next_spread_);
}

}  // namespace tandem::lb::relay
