#include "vrrp/announcement_schedule.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace tandem::vrrp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kBurst = 5;
constexpr Duration kSecondBurstAfter = 5s;
constexpr Duration kRefreshEvery = 1min;
constexpr Duration kContestGap = 100ms;  // a rival who insists must not make us flood the network

}  // namespace

std::uint8_t AnnouncementSchedule::on_active(Instant now) {
  second_ = now + kSecondBurstAfter;
  return send(now, kBurst);
}

std::uint8_t AnnouncementSchedule::on_contest_won(Instant now) {
  if (!last_) {
    return 0;
  }
  if (now - *last_ < kContestGap) {
    owed_ = *last_ + kContestGap;
    return 0;
  }
  return send(now, kBurst);
}

std::uint8_t AnnouncementSchedule::on_deadline(Instant now) {
  if (second_ && now >= *second_) {
    second_.reset();
    return send(now, kBurst);
  }
  if (owed_ && now >= *owed_) {
    return send(now, kBurst);
  }
  return last_ && now >= *last_ + kRefreshEvery ? send(now, 1) : std::uint8_t{0};
}

std::optional<Instant> AnnouncementSchedule::next_deadline() const {
  if (!last_) {
    return std::nullopt;
  }
  Instant next = *last_ + kRefreshEvery;
  for (const auto& other : {second_, owed_}) {
    next = other ? std::min(next, *other) : next;
  }
  return next;
}

std::uint8_t AnnouncementSchedule::send(Instant now, std::uint8_t repeat) {
  last_ = now;
  owed_.reset();
  return repeat;
}

}  // namespace tandem::vrrp
