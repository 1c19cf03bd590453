#include "lb/relay/session_state.hpp"

#include <doctest/doctest.h>

namespace tandem::lb::relay {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{Duration{1'000'000'000}};

SessionState relaying() {
  SessionState state;
  state.enter(Phase::connecting);
  state.enter(Phase::relaying);
  state.on_bytes(End::backend, kStart);
  return state;
}

TEST_SUITE("lb/relay/session_state") {
  TEST_CASE("the first FIN is passed on and the second one closes") {
    SessionState state = relaying();

    CHECK(state.on_fin(End::backend) == Step::pass_fin);
    CHECK_FALSE(state.cause().has_value());
    CHECK(state.on_fin(End::backend) == Step::none);
    CHECK(state.on_fin(End::client) == Step::close);
    CHECK(state.cause() == Cause::backend_fin);
  }

  TEST_CASE("who ended first names the cause") {
    SessionState state = relaying();
    CHECK(state.on_fin(End::client) == Step::pass_fin);
    CHECK(state.on_fin(End::backend) == Step::close);
    CHECK(state.cause() == Cause::client_fin);
  }

  TEST_CASE("a reset resets and is the cause even after a FIN") {
    SessionState state = relaying();
    CHECK(state.on_fin(End::client) == Step::pass_fin);

    CHECK(state.on_reset(End::backend) == Step::reset);

    CHECK(state.cause() == Cause::backend_reset);
    state.set_cause(Cause::shutdown);
    CHECK(state.cause() == Cause::backend_reset);
  }

  TEST_CASE("silence ends a session on the account of the end that owes an answer") {
    SessionState state = relaying();
    const ListenerOptions options;

    state.on_bytes(End::client, kStart + 1s);
    CHECK(state.silence(options).deadline == kStart + 1801s);
    CHECK(state.silence(options).cause == Cause::backend_idle);
    CHECK(state.silence(options).step == Step::close);

    state.on_bytes(End::backend, kStart + 2s);
    CHECK(state.silence(options).deadline == kStart + 1802s);
    CHECK(state.silence(options).cause == Cause::client_idle);
  }

  TEST_CASE("a half-closed session has the half-close timeout") {
    SessionState state = relaying();
    const ListenerOptions options;

    CHECK(state.on_fin(End::client) == Step::pass_fin);

    CHECK(state.silence(options).deadline == kStart + 30s);
    CHECK(state.silence(options).cause == Cause::backend_idle);
    CHECK(state.silence(options).step == Step::reset);
  }

  TEST_CASE("a dead end leaves the other one the half-close timeout") {
    SessionState state = relaying();

    state.on_dying(End::client);

    CHECK(state.silence(ListenerOptions{}).deadline == kStart + 30s);
    CHECK(state.silence(ListenerOptions{}).cause == Cause::client_reset);
  }

  TEST_CASE("a session can be chosen for again until it relays") {
    SessionState state;
    state.enter(Phase::header);
    state.enter(Phase::choosing);
    state.enter(Phase::waiting);
    state.enter(Phase::choosing);
    state.enter(Phase::connecting);
    state.enter(Phase::choosing);
    state.enter(Phase::connecting);
    state.enter(Phase::relaying);
    state.enter(Phase::flushing);
    state.enter(Phase::closed);
    CHECK(state.phase() == Phase::closed);
  }
}

}  // namespace
}  // namespace tandem::lb::relay
