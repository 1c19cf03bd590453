#include "app/shared_view.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "base/text.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

constexpr Duration kHintAgeMax = 10s;  // older ones say little about now
constexpr Duration kSameWord = 1s;     // two nodes measure the age of one word a little differently

peer::BackendHint make_hint(const lb::BackendStatus& backend, const BackendRecord* record, Instant now) {
  const lb::Standing& standing = backend.standing;
  peer::BackendHint hint;
  hint.cluster = backend.backend->cluster;
  hint.backend = backend.backend->name;
  hint.address = to_string(backend.backend->address);
  hint.up = standing.up;
  hint.role = standing.role;
  hint.epoch = standing.epoch;
  hint.lag_bytes = standing.lag_bytes;
  hint.lag_time = standing.lag_time;
  hint.takes_reads = standing.takes_reads;
  hint.reason = standing.reason;
  hint.age = record != nullptr ? now - record->last_report : Duration{0};
  return hint;
}

/// Whether the other node would do the same with both; a lag that grows by the byte is not worth a message.
bool says_the_same(const peer::BackendHint& one, const peer::BackendHint& other) {
  return one.address == other.address && one.up == other.up && one.role == other.role && one.epoch == other.epoch &&
         one.takes_reads == other.takes_reads && one.promoted.has_value() == other.promoted.has_value();
}

bool says_the_same(const peer::OverrideHint& one, const peer::OverrideHint& other) {
  return one.state == other.state && one.who == other.who && one.reason == other.reason &&
         one.lasts.has_value() == other.lasts.has_value();
}

peer::OverrideHint make_hint(const Overrides::Key& backend, const Drain& drain, Instant now) {
  peer::OverrideHint hint;
  hint.cluster = backend.first;
  hint.backend = backend.second;
  hint.state = "drain";
  hint.who = drain.who;
  hint.reason = drain.reason;
  hint.age = std::max(Duration{0}, now - drain.said);
  if (drain.ends) {
    hint.lasts = std::max(Duration{0}, *drain.ends - now);
  }
  return hint;
}

/// "alice at lb-b"
std::string signed_by(const std::string& who, const std::string& peer) {
  return who.find(" at ") == std::string::npos ? concat(who, " at ", peer) : who;
}

peer::OverrideHint make_ready(const Overrides::Key& backend, Duration age) {
  peer::OverrideHint hint;
  hint.cluster = backend.first;
  hint.backend = backend.second;
  hint.state = "ready";
  hint.age = age;
  return hint;
}

lb::Standing make_standing(const peer::BackendHint& hint, const std::string& peer) {
  lb::Standing standing;
  standing.known = true;
  standing.up = hint.up;
  standing.role = hint.role;
  standing.epoch = hint.epoch;
  standing.lag_bytes = hint.lag_bytes;
  standing.lag_time = hint.lag_time;
  standing.takes_reads = hint.takes_reads;
  standing.reason = concat(peer, " says: ", hint.reason);
  return standing;
}

}  // namespace

peer::View SharedView::whole(Instant now) const {
  peer::View view;
  std::set<BackendId> promoted;
  for (const lb::ClusterStatus& cluster : controller_.pools().clusters()) {
    if (cluster.last_promoted) {
      promoted.insert(*cluster.last_promoted);
    }
  }
  for (const lb::BackendStatus& backend : controller_.pools().backends()) {
    const BackendRecord* record = controller_.find_record(backend.id);
    if (record != nullptr && record->reported) {  // what we were told ourselves is no news
      view.backends.push_back(make_hint(backend, record, now));
      if (promoted.contains(backend.id)) {
        view.backends.back().promoted = now - record->since;
      }
    }
  }
  for (const auto& [backend, drain] : controller_.overrides().all()) {
    view.overrides.push_back(make_hint(backend, drain, now));
  }
  for (const auto& [backend, since] : taken_back_) {
    if (controller_.overrides().find(backend) == nullptr) {
      view.overrides.push_back(make_ready(backend, now - since));
    }
  }
  return view;
}

peer::View SharedView::changes(Instant now) {
  const peer::View view = whole(now);
  peer::View news;
  std::map<Key, peer::BackendHint> backends;
  for (const peer::BackendHint& hint : view.backends) {
    const Key key{hint.cluster, hint.backend};
    const auto told = told_backends_.find(key);
    if (told == told_backends_.end() || !says_the_same(told->second, hint)) {
      news.backends.push_back(hint);
    }
    backends.emplace(key, hint);
  }
  std::map<Key, peer::OverrideHint> overrides;
  for (const peer::OverrideHint& hint : view.overrides) {
    const Key key{hint.cluster, hint.backend};
    const auto told = told_overrides_.find(key);
    if (told == told_overrides_.end() || !says_the_same(told->second, hint)) {
      news.overrides.push_back(hint);
    }
    overrides.emplace(key, hint);
  }
  for (const auto& [key, hint] : told_overrides_) {
    if (hint.state == "drain" && !overrides.contains(key)) {
      taken_back_[key] = now;
      news.overrides.push_back(make_ready(key, Duration{0}));
      overrides.emplace(key, news.overrides.back());
    }
  }
  told_backends_ = std::move(backends);
  told_overrides_ = std::move(overrides);
  return news;
}

void SharedView::on_view(const peer::View& view, const std::string& peer, Instant now) {
  on_backends(view.backends, peer, now);
  for (const peer::OverrideHint& hint : view.overrides) {
    on_override(hint, peer, now);
  }
}

void SharedView::on_backends(const std::vector<peer::BackendHint>& hints, const std::string& peer, Instant now) {
  std::vector<Controller::Hint> known;
  for (const peer::BackendHint& hint : hints) {
    const auto backend = controller_.pools().find_backend(hint.cluster, hint.backend);
    const lb::BackendStatus* status = backend ? controller_.pools().find(*backend) : nullptr;
    if (status == nullptr || hint.age > kHintAgeMax || to_string(status->backend->address) != hint.address) {
      continue;
    }
    known.push_back({*backend, make_standing(hint, peer), std::nullopt});
    if (hint.promoted) {
      known.back().promoted_at = now - *hint.promoted;
    }
  }
  if (!known.empty()) {
    controller_.on_hints(known);
  }
}

void SharedView::on_override(const peer::OverrideHint& hint, const std::string& peer, Instant now) {
  if (!controller_.pools().find_backend(hint.cluster, hint.backend)) {
    return;
  }
  const Overrides::Key key{hint.cluster, hint.backend};
  const Drain* ours = controller_.overrides().find(key);
  const Instant said = now - hint.age;
  if (hint.state == "ready") {
    if (ours != nullptr && ours->said < said) {
      told_overrides_.erase(key);  // it knows
      taken_back_[key] = said;
      static_cast<void>(controller_.ready(hint.cluster, hint.backend, peer));
    }
    return;
  }
  if (hint.state == "promote") {
    // Where this node sees no such conflict there is nothing to settle.
    static_cast<void>(controller_.promote(hint.cluster, hint.backend, signed_by(hint.who, peer)));
    return;
  }
  if (hint.state != "drain" || (hint.lasts && *hint.lasts <= Duration{0})) {
    return;
  }
  const auto taken_back = taken_back_.find(key);
  if ((ours != nullptr && ours->said + kSameWord >= said) ||
      (taken_back != taken_back_.end() && taken_back->second >= said)) {
    return;  // ours is the newer word
  }
  const std::string who = signed_by(hint.who, peer);
  told_overrides_[key] = hint;
  told_overrides_[key].who = who;
  Drain drain;
  drain.who = who;
  drain.reason = hint.reason;
  drain.said = said;
  static_cast<void>(controller_.drain(hint.cluster, hint.backend, std::move(drain), hint.lasts));
}

}  // namespace tandem::app
