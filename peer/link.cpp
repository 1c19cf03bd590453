#include "peer/link.hpp"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "net/socket.hpp"
#include "peer/switchboard.hpp"

namespace tandem::peer {

namespace {

constexpr std::uint32_t kBacklog = 128;

}  // namespace

struct Link::State {
  Exchange exchange;
  Switchboard switchboard;
  std::thread thread;

  State(const Endpoint& peer, net::Fd listener, std::shared_ptr<const TlsContext> context, Hello self, LinkHooks hooks,
        Log log)
      : switchboard(peer, std::move(listener), std::move(context), std::move(self), std::move(hooks), std::move(log),
                    exchange) {}

  void say(const Urgent& urgent) noexcept {
    if (exchange.urgent.try_push(urgent)) {
      exchange.wakeup.wake();
    }
  }
};

Link::Link(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Link>> Link::open(const Options& options, std::string node, std::string version, LinkHooks hooks,
                                         Log log) {
  auto context = TlsContext::from_options(options);
  if (!context) {
    return Error{concat("peer: ", context.error().text)};
  }
  auto listener = net::bind_tcp(options.listen, net::SharePort::no);
  if (!listener) {
    return Error{concat("peer: listen \"", to_string(options.listen), "\": ", listener.error().text)};
  }
  if (const auto listening = net::listen(*listener, kBacklog); !listening) {
    return Error{concat("peer: listen \"", to_string(options.listen), "\": ", listening.error().text)};
  }
  const Hello self{kProtocol, std::move(node), std::move(version), random_number()};
  auto state = std::make_unique<State>(options.address, std::move(*listener), std::move(*context), self,
                                       std::move(hooks), std::move(log));
  state->exchange.shown.with([](Exchange::Shown& shown) {
    shown.status.reason = "not connected yet";
    shown.since = std::chrono::steady_clock::now();
  });
  state->thread = std::thread([raw = state.get()] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    pthread_setname_np(pthread_self(), "peer");
    raw->switchboard.run();
  });
  return std::unique_ptr<Link>(new Link(std::move(state)));
}

Link::~Link() {
  state_->exchange.stop.store(true, std::memory_order_release);  // pairs with the load of Switchboard::run
  state_->exchange.wakeup.wake();
  state_->thread.join();
}

void Link::say_leaving(const Router& router) { state_->say(Leaving{router}); }

void Link::say_active(const Router& router) { state_->say(Active{router}); }

void Link::share(View changes) {
  Exchange& exchange = state_->exchange;
  if (!exchange.up.load(std::memory_order_acquire)) {
    return;  // the whole view comes with the next connection
  }
  exchange.views.with([&](ViewQueue& queue) { queue.add(std::move(changes), std::chrono::steady_clock::now()); });
  exchange.wakeup.wake();
}

LinkStatus Link::status() const {
  Exchange& exchange = state_->exchange;
  LinkStatus status = exchange.shown.with([](const Exchange::Shown& shown) {
    LinkStatus copy = shown.status;
    copy.since = std::chrono::steady_clock::now() - shown.since;
    return copy;
  });
  status.overflows =
      exchange.urgent.overflows() + exchange.views.with([](const ViewQueue& queue) { return queue.overflows(); });
  return status;
}

}  // namespace tandem::peer
