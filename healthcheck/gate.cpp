#include "healthcheck/gate.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace tandem::healthcheck {

Gate::Ticket Gate::ticket() {
  // The pointer means nothing, its deleter does.
  return {this, [gate = shared_from_this()](void* /*place*/) { gate->leave(); }};
}

void Gate::enter(OnEntry on_entry) {
  if (free_ == 0 || !line_.empty()) {
    line_.push_back(std::move(on_entry));
    return;
  }
  --free_;
  on_entry(ticket());
}

void Gate::leave() {
  ++free_;
  if (line_.empty()) {
    return;
  }
  // Posted, not called: who leaves may be in the middle of something, and a long line would nest deeply.
  boost::asio::post(context_, [gate = shared_from_this()] {
    if (gate->free_ > 0 && !gate->line_.empty()) {
      OnEntry next = std::move(gate->line_.front());
      gate->line_.pop_front();
      --gate->free_;
      next(gate->ticket());
    }
  });
}

}  // namespace tandem::healthcheck
