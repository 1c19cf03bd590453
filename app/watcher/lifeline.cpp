#include "app/watcher/lifeline.hpp"

#include <sys/socket.h>

#include <utility>

#include "app/watcher/lifeline_shared.hpp"

namespace tandem::app {

void Lifeline::Shared::wake_watcher() const {
  const char word = '!';
  // A full socket has woken it already; an ended one is watcher_fd()'s to tell.
  static_cast<void>(::send(watcher.get(), &word, sizeof(word), MSG_DONTWAIT | MSG_NOSIGNAL));
}

Lifeline::Lifeline() = default;
Lifeline::Lifeline(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}
Lifeline::~Lifeline() = default;
Lifeline::Lifeline(Lifeline&&) noexcept = default;
Lifeline& Lifeline::operator=(Lifeline&&) noexcept = default;

void Lifeline::on_started() {
  if (shared_) {
    shared_->record->on_started();
    shared_->wake_watcher();
  }
}

void Lifeline::expect_beats(Duration within) {
  if (shared_) {
    shared_->record->expect_beats(within, std::chrono::steady_clock::now());
    shared_->wake_watcher();
  }
}

void Lifeline::beat(Instant now) {
  if (shared_) {
    shared_->record->beat(now);
  }
}

void Lifeline::deposit(const vrrp::Will& will) {
  if (shared_ && shared_->record->deposit(will)) {
    shared_->wake_watcher();
  }
}

void Lifeline::log_as(config::LogFormat format) {
  if (shared_) {
    shared_->record->log_as(format);
  }
}

int Lifeline::watcher_fd() const { return shared_ ? shared_->watcher.get() : -1; }

}  // namespace tandem::app
