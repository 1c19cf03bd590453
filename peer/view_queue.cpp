#include "peer/view_queue.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "peer/codec.hpp"

namespace tandem::peer {

namespace {

template <class Hint>
std::string key(const Hint& hint) {
  return concat(hint.cluster, '\0', hint.backend);
}

void grow_older(BackendHint& hint, Duration waited) {
  hint.age += waited;
  if (hint.promoted) {
    *hint.promoted += waited;
  }
}

void grow_older(OverrideHint& hint, Duration waited) {
  hint.age += waited;
  if (hint.lasts) {
    *hint.lasts = std::max(*hint.lasts - waited, Duration{0});
  }
}

}  // namespace

template <class Hint>
void ViewQueue::put(Lane<Hint>& lane, Hint hint, Existing existing, Instant now) {
  if (!is_sendable(hint)) {
    ++overflows_;
    return;
  }
  std::string name = key(hint);
  const auto found = lane.places.find(name);
  if (found != lane.places.end()) {
    if (existing == Existing::replace) {
      lane.waiting[found->second - lane.taken] = {std::move(hint), now};
    }
    return;
  }
  if (lane.waiting.size() >= kHintsMax) {
    ++overflows_;
    return;
  }
  lane.places.emplace(std::move(name), lane.taken + lane.waiting.size());
  lane.waiting.push_back({std::move(hint), now});
}

void ViewQueue::put_all(View view, Existing existing, Instant now) {
  for (OverrideHint& hint : view.overrides) {
    put(overrides_, std::move(hint), existing, now);
  }
  for (BackendHint& hint : view.backends) {
    put(backends_, std::move(hint), existing, now);
  }
}

void ViewQueue::add(View changes, Instant now) { put_all(std::move(changes), Existing::replace, now); }

void ViewQueue::add_whole(View view, Instant now) { put_all(std::move(view), Existing::keep, now); }

template <class Hint>
void ViewQueue::take(Lane<Hint>& lane, std::vector<Hint>& out, std::size_t& bytes_left, Instant now) {
  while (!lane.waiting.empty()) {
    Waiting<Hint>& next = lane.waiting.front();
    const std::size_t size = encoded_size_max(next.hint);
    if (size > bytes_left) {
      bytes_left = 0;
      return;
    }
    bytes_left -= size;
    lane.places.erase(key(next.hint));
    grow_older(next.hint, std::max(now - next.since, Duration{0}));
    out.push_back(std::move(next.hint));
    lane.waiting.pop_front();
    ++lane.taken;
  }
}

View ViewQueue::take(std::size_t bytes_max, Instant now) {
  View view;
  std::size_t bytes_left = bytes_max;
  take(overrides_, view.overrides, bytes_left, now);
  take(backends_, view.backends, bytes_left, now);
  return view;
}

void ViewQueue::clear() {
  backends_ = {};
  overrides_ = {};
}

bool ViewQueue::empty() const { return backends_.waiting.empty() && overrides_.waiting.empty(); }

}  // namespace tandem::peer
