#include "vrrp/state_machine.hpp"

#include <doctest/doctest.h>

#include "tests/vrrp/machines.hpp"

namespace tandem::vrrp {

TEST_SUITE("vrrp/state_machine") {
  TEST_CASE("a backup becomes active once the active router falls silent") {
    StateMachine node = backup(options(100));

    const Actions actions = node.on_deadline(start + 3'609'375us);  // 3 x 1 s + skew 156/256 s

    CHECK(node.state() == State::active);
    CHECK(actions == Actions{SendAdvert{Priority{100}}, AcquireAddresses{}, Announce{5}});
    CHECK(node.next_deadline() == start + 4'609'375us);
  }

  TEST_CASE("a backup waits to the nanosecond") {
    StateMachine node = backup(options(100, 10ms));
    CHECK(node.next_deadline() == start + 36'093'750ns);  // 30 ms + 6.09375 ms: centiseconds would lose the skew

    CHECK(node.on_deadline(start + 36'093'749ns) == kNothing);
    CHECK(node.state() == State::backup);
    CHECK(node.on_deadline(start + 36'093'750ns).size() == 3);
  }

  TEST_CASE("the down interval is three intervals and the skew") {
    struct Row {
      int priority;
      Duration interval;
      Version version;
      Duration expected;
    };
    for (const Row& row :
         {Row{254, 1s, Version::v3, 3'007'812'500ns}, Row{1, 1s, Version::v3, 3'996'093'750ns},
          Row{100, 100ms, Version::v3, 360'937'500ns}, Row{100, 40950ms, Version::v3, 147'803'906'250ns},
          Row{100, 1s, Version::v2, 3'609'375us}, Row{100, 10s, Version::v2, 30'609'375us}}) {
      CAPTURE(row.priority);
      Options with = options(row.priority, row.interval);
      with.version = row.version;
      CHECK(StateMachine(with, kSelf).active_down_interval() == row.expected);
    }
  }

  TEST_CASE("the owner of the address is active at once") {
    StateMachine node(options(255), kSelf);

    CHECK(node.on_start(start) == Actions{SendAdvert{kOwner}, AcquireAddresses{}, Announce{5}});
    CHECK(node.next_deadline() == start + 1s);
  }

  TEST_CASE("what a backup makes of an advert") {
    struct Row {
      int heard;
      Preempt preempt;
      Duration deadline;  // from the start; the advert comes after 2 s
    };
    for (const Row& row : {
             Row{101, Preempt::yes, 5'609'375us},  // higher: waits anew
             Row{100, Preempt::yes, 5'609'375us},  // equal: waits anew, whatever the address
             Row{99, Preempt::yes, 3'609'375us},   // lower: the timer runs on, that is preemption
             Row{99, Preempt::no, 5'609'375us},    // lower, and it must not preempt
             Row{0, Preempt::yes, 2'609'375us},    // leaving: the skew only
             Row{0, Preempt::no, 2'609'375us},
         }) {
      CAPTURE(row.heard);
      StateMachine node = backup(options(100, 1s, row.preempt));

      CHECK(node.on_advert(advert(row.heard), start + 2s) == kNothing);

      CHECK(node.state() == State::backup);
      CHECK(node.next_deadline() == start + row.deadline);
    }
  }

  TEST_CASE("what an active router makes of an advert") {
    struct Row {
      int heard;
      IpAddress from;
      Actions expected;
      State state;
    };
    const Action answer = SendAdvert{Priority{100}};
    for (const Row& row : {
             Row{99, kHigherPeer, {answer, Announce{5}, ReportContest{kHigherPeer, Contest::won}}, State::active},
             Row{100, kLowerPeer, {answer, Announce{5}, ReportContest{kLowerPeer, Contest::won}}, State::active},
             Row{100,
                 kHigherPeer,
                 {answer, ReleaseAddresses{}, ReportContest{kHigherPeer, Contest::lost}},
                 State::backup},
             Row{101,
                 kLowerPeer,
                 {answer, ReleaseAddresses{}, ReportContest{kLowerPeer, Contest::lost}},
                 State::backup},
             Row{0, kLowerPeer, {answer}, State::active},
         }) {
      CAPTURE(row.heard);
      StateMachine node = active(options(100));

      CHECK(node.on_advert(advert(row.heard, 1s, row.from), start + 500ms) == row.expected);

      CHECK(node.state() == row.state);
      if (row.heard != 0 && row.state == State::active) {
        CHECK(node.next_deadline() == start + 1s);  // keeps its step
      } else if (row.state == State::active) {
        CHECK(node.next_deadline() == start + 1500ms);
      } else {
        CHECK(node.next_deadline() == start + 4'109'375us);
      }
    }
  }

  TEST_CASE("a backup learns the interval of the active router in version 3") {
    StateMachine node = backup(options(100, 1s));

    CHECK(node.on_advert(advert(150, 100ms), start) == kNothing);
    CHECK(node.next_deadline() == start + 360'937'500ns);
    CHECK(node.on_advert(advert(0, 100ms), start + 50ms) == kNothing);
    CHECK(node.next_deadline() == start + 110'937'500ns);  // skew of what was learnt

    CHECK(node.on_deadline(start + 110'937'500ns).size() == 3);
    CHECK(node.next_deadline() == start + 1'110'937'500ns);  // as active its own again
  }

  TEST_CASE("a backup keeps its own interval in version 2") {
    Options with = options(100, 1s);
    with.version = Version::v2;
    StateMachine node = backup(with);

    CHECK(node.on_advert(advert(150, 100ms), start) == kNothing);

    CHECK(node.next_deadline() == start + 3'609'375us);
  }

  TEST_CASE("an advert of its own that comes back is nobody's") {
    StateMachine node = active(options(100));

    CHECK(node.on_advert(advert(100, 1s, kSelf), start + 1ms) == kNothing);
    CHECK(node.on_advert(advert(101, 1s, kSelf), start + 1ms) == kNothing);
    CHECK(node.state() == State::active);
    CHECK_FALSE(node.has_heard_anybody());
  }

  TEST_CASE("an active router advertises in step and catches up gently") {
    StateMachine node = active(options(100));

    CHECK(node.on_deadline(start + 1010ms) == Actions{SendAdvert{Priority{100}}});
    CHECK(node.next_deadline() == start + 2s);
    CHECK(node.on_deadline(start + 3700ms) == Actions{SendAdvert{Priority{100}}});
    CHECK(node.next_deadline() == start + 4200ms);
  }

  TEST_CASE("preemption waits for its delay from when a lower router is first heard") {
    Options with = options(200, 1s);
    with.preempt_delay = 10s;
    StateMachine node = backup(with);

    for (int second = 1; second <= 10; ++second) {
      CHECK(node.on_advert(advert(100), start + std::chrono::seconds(second)) == kNothing);
    }
    CHECK(node.next_deadline() == start + 13'218'750us);  // heard last at 10 s, that is 9 s after the first
    CHECK(node.on_advert(advert(100), start + 11s) == kNothing);
    CHECK(node.next_deadline() == start + 13'218'750us);  // passed over from here

    CHECK(node.on_deadline(start + 13'218'750us).size() == 3);
  }

  TEST_CASE("a higher router heard meanwhile starts the preempt delay anew") {
    Options with = options(200, 1s);
    with.preempt_delay = 2s;
    StateMachine node = backup(with);

    CHECK(node.on_advert(advert(100), start + 1s) == kNothing);
    CHECK(node.on_advert(advert(250), start + 2s) == kNothing);
    CHECK(node.on_advert(advert(100), start + 3s) == kNothing);

    CHECK(node.next_deadline() == start + 6'218'750us);
  }

  TEST_CASE("an owner preempts even where preemption is off") {
    Options with = options(255, 1s, Preempt::no);
    with.startup_delay = 5s;
    StateMachine node = backup(with);

    CHECK(node.on_advert(advert(254), start + 1s) == kNothing);
    CHECK(node.on_advert(advert(254), start + 2s) == kNothing);

    CHECK(node.next_deadline() == start + 4'003'906'250ns);  // three intervals and 1/256 from the first that was heard
  }

  TEST_CASE("the startup delay comes before the first election") {
    Options with = options(100, 1s);
    with.startup_delay = 30s;
    StateMachine node = backup(with);

    CHECK(node.next_deadline() == start + 33'609'375us);
    CHECK_FALSE(node.has_heard_anybody());
  }

  TEST_CASE("the startup delay ends with the first advert") {
    for (const int heard : {150, 50}) {
      Options with = options(100, 1s);
      with.startup_delay = 30s;
      StateMachine node = backup(with);

      CHECK(node.on_advert(advert(heard), start + 10s) == kNothing);

      CHECK(node.has_heard_anybody());
      CHECK(node.next_deadline() == start + 13'609'375us);
    }
  }

  TEST_CASE("an active router keeps the addresses until the peer that takes them is heard") {
    StateMachine node = active(options(200));

    CHECK(node.on_handover(start + 100ms) == Actions{SendAdvert{kLeaving}});
    CHECK(node.state() == State::active);
    CHECK(node.is_leaving());
    CHECK(node.on_advert(advert(100), start + 700ms) == kNothing);
    CHECK(node.is_taken());
    CHECK(node.next_deadline() == start + 705ms);  // the peer's announcements follow its advert
    CHECK(node.on_deadline(start + 705ms) == Actions{ReleaseAddresses{}});

    CHECK(node.state() == State::backup);
    CHECK_FALSE(node.is_leaving());
    CHECK(node.next_deadline() == start + 3'923'750us);
  }

  TEST_CASE("what nobody takes within a second stays where it is") {
    StateMachine node = active(options(200));
    CHECK(node.on_handover(start).size() == 1);

    CHECK(node.on_deadline(start + 1s) == Actions{SendAdvert{Priority{200}}});

    CHECK(node.state() == State::active);
    CHECK_FALSE(node.is_leaving());
    CHECK(node.next_deadline() == start + 2s);
    CHECK(node.on_handover(start + 1100ms) == Actions{SendAdvert{kLeaving}});  // it may be tried again
  }

  TEST_CASE("a peer that is heard over and over does not make a leaving router linger longer") {
    StateMachine node = active(options(200));
    CHECK(node.on_handover(start).size() == 1);

    CHECK(node.on_advert(advert(100), start + 1ms) == kNothing);
    CHECK(node.on_advert(advert(100), start + 3ms) == kNothing);
    CHECK(node.on_taken(start + 4ms) == kNothing);

    CHECK(node.next_deadline() == start + 6ms);
  }

  TEST_CASE("a leaving router lingers no longer than its last second") {
    StateMachine node = active(options(200));
    CHECK(node.on_handover(start).size() == 1);

    CHECK(node.on_advert(advert(100), start + 998ms) == kNothing);

    CHECK(node.next_deadline() == start + 1s);
    CHECK(node.on_deadline(start + 1s) == Actions{ReleaseAddresses{}});  // no farewell: the peer is active
  }

  TEST_CASE("a leaving router lets go when the peer says over the link that it has the addresses") {
    StateMachine node = active(options(200));
    CHECK(node.on_handover(start).size() == 1);

    CHECK(node.on_taken(start + 2ms) == kNothing);

    CHECK(node.on_deadline(start + 7ms) == Actions{ReleaseAddresses{}});
    CHECK(node.state() == State::backup);
  }

  TEST_CASE("who is not leaving leaves it to the election what the peer says to have") {
    StateMachine node = active(options(200));

    CHECK(node.on_taken(start + 1ms) == kNothing);

    CHECK(node.state() == State::active);
    CHECK_FALSE(node.is_leaving());
  }

  TEST_CASE("whoever handed over does not preempt until it was active again") {
    StateMachine node = active(options(200));
    CHECK(node.on_handover(start).size() == 1);
    CHECK(node.on_advert(advert(100), start + 1ms) == kNothing);
    CHECK(node.on_deadline(start + 6ms) == Actions{ReleaseAddresses{}});
    CHECK(node.on_advert(advert(100), start + 1s) == kNothing);
    CHECK(node.next_deadline() == start + 4'218'750us);

    CHECK(node.on_deadline(start + 4'218'750us).size() == 3);
    CHECK(node.on_advert(advert(250, 1s, kHigherPeer), start + 5s).size() == 3);
    CHECK(node.on_advert(advert(100), start + 6s) == kNothing);
    CHECK(node.next_deadline() == start + 8'218'750us);  // preempts as it used to
  }

  TEST_CASE("an active router that nobody relieves lets go after a second") {
    StateMachine node = active(options(200, 400ms));

    CHECK(node.on_shutdown(Farewell::keep_until_taken, start) == Actions{SendAdvert{kLeaving}});
    CHECK(node.next_deadline() == start + 400ms);
    CHECK(node.on_deadline(start + 400ms) == Actions{SendAdvert{kLeaving}});  // the first may have been lost
    CHECK(node.on_deadline(start + 800ms) == Actions{SendAdvert{kLeaving}});
    CHECK(node.next_deadline() == start + 1s);
    CHECK(node.on_deadline(start + 1s) == Actions{SendAdvert{kLeaving}, ReleaseAddresses{}});

    CHECK(node.state() == State::initialize);
    CHECK(node.next_deadline() == std::nullopt);
  }

  TEST_CASE("with slow adverts it waits an interval since the skew may be longer than a second") {
    StateMachine node = active(options(200, 4s));
    CHECK(node.on_shutdown(Farewell::keep_until_taken, start).size() == 1);

    CHECK(node.on_deadline(start + 3999ms) == kNothing);
    CHECK(node.on_deadline(start + 4s) == Actions{SendAdvert{kLeaving}, ReleaseAddresses{}});
    CHECK(node.state() == State::initialize);
  }

  TEST_CASE("of two that leave at once the higher address keeps the addresses") {
    StateMachine node = active(options(200));
    CHECK(node.on_handover(start).size() == 1);

    CHECK(node.on_advert(advert(0, 1s, kLowerPeer), start + 1ms) == kNothing);
    CHECK(node.is_leaving());
    CHECK(node.on_advert(advert(0, 1s, kHigherPeer), start + 2ms) == Actions{ReleaseAddresses{}});

    CHECK(node.next_deadline() == start + 3'220'750us);  // listens for as long as ever
  }

  TEST_CASE("a shutdown during a handover ends in initialize") {
    StateMachine node = active(options(200));
    CHECK(node.on_handover(start).size() == 1);

    CHECK(node.on_shutdown(Farewell::keep_until_taken, start + 1ms) == kNothing);
    CHECK(node.on_handover(start + 2ms) == kNothing);
    CHECK(node.on_advert(advert(100), start + 3ms) == kNothing);
    CHECK(node.on_deadline(start + 8ms) == Actions{ReleaseAddresses{}});

    CHECK(node.state() == State::initialize);
  }

  TEST_CASE("who cannot serve any more gives the addresses away at once") {
    StateMachine node = active(options(200));

    CHECK(node.on_shutdown(Farewell::at_once, start) == Actions{SendAdvert{kLeaving}, ReleaseAddresses{}});
    CHECK(node.state() == State::initialize);
    CHECK(node.on_advert(advert(100), start + 1s) == kNothing);
    CHECK(node.on_deadline(start + 10s) == kNothing);

    CHECK(node.on_start(start + 20s) == kNothing);
    CHECK(node.state() == State::backup);
  }

  TEST_CASE("a backup stops without a word") {
    StateMachine node = backup(options(100));

    CHECK(node.on_shutdown(Farewell::keep_until_taken, start + 1s) == kNothing);

    CHECK(node.state() == State::initialize);
  }

  TEST_CASE("a late thread steps down and listens and contests") {
    StateMachine node = active(options(100));  // its advert was due at 1 s
    CHECK(node.on_deadline(start + 1s + 3'609'376us) == Actions{ReleaseAddresses{}});
    CHECK(node.state() == State::backup);
    CHECK(node.next_deadline() == start + 8'218'751us);

    CHECK(node.on_deadline(start + 8'218'751us).size() == 3);
    CHECK(node.state() == State::active);
  }

  TEST_CASE("a thread that is late by less goes on") {
    StateMachine node = active(options(100));

    CHECK(node.on_deadline(start + 1s + 3'609'375us) == Actions{SendAdvert{Priority{100}}});
  }

  TEST_CASE("a late thread that hears the new active router first steps down as well") {
    StateMachine node = active(options(200, 1s, Preempt::no));

    CHECK(node.on_advert(advert(100), start + 10s) == Actions{ReleaseAddresses{}});

    CHECK(node.state() == State::backup);
    CHECK(node.next_deadline() == start + 13'218'750us);
  }

  TEST_CASE("a backup whose thread was late listens before it takes over") {
    StateMachine node = backup(options(100));

    CHECK(node.on_deadline(start + 2 * 3'609'375us + 1ns) == kNothing);

    CHECK(node.state() == State::backup);
    CHECK(node.next_deadline() == start + 10'828'125'001ns);
  }

  TEST_CASE("a changed priority moves the skew of a backup") {
    StateMachine node = backup(options(100));

    CHECK(node.on_priority(Priority{228}, start + 1s) == kNothing);

    CHECK(node.next_deadline() == start + 3'109'375us);
    CHECK(node.priority() == Priority{228});
  }

  TEST_CASE("a changed priority of an active router is told at once") {
    StateMachine node = active(options(100));

    CHECK(node.on_priority(Priority{50}, start + 300ms) == Actions{SendAdvert{Priority{50}}});
    CHECK(node.on_priority(Priority{50}, start + 400ms) == kNothing);

    CHECK(node.next_deadline() == start + 1300ms);
  }

  TEST_CASE("of two owners the lower address yields") {
    StateMachine node(options(255), kSelf);
    CHECK(node.on_start(start).size() == 3);

    CHECK(node.on_advert(advert(255, 1s, kHigherPeer), start + 1ms).size() == 3);
    CHECK(node.state() == State::backup);
  }

  TEST_CASE("an active router announces its addresses again after five seconds and each minute") {
    StateMachine node = active(options(100, 40s));

    CHECK(node.next_deadline() == start + 5s);
    CHECK(node.on_deadline(start + 5s) == Actions{Announce{5}});
    CHECK(node.next_deadline() == start + 40s);
    CHECK(node.on_deadline(start + 40s) == Actions{SendAdvert{Priority{100}}});
    CHECK(node.next_deadline() == start + 65s);
    CHECK(node.on_deadline(start + 65s) == Actions{Announce{1}});
  }

  TEST_CASE("a rival who insists is answered each time and announced against ten times a second") {
    StateMachine node = active(options(100, 10s));
    const Action answer = SendAdvert{Priority{100}};
    const Action won = ReportContest{kLowerPeer, Contest::won};
    const Advert rival = advert(50);

    CHECK(node.on_advert(rival, start + 200ms) == Actions{answer, Announce{5}, won});
    CHECK(node.on_advert(rival, start + 210ms) == Actions{answer, won});
    CHECK(node.on_advert(rival, start + 290ms) == Actions{answer, won});
    CHECK(node.next_deadline() == start + 300ms);
    CHECK(node.on_deadline(start + 300ms) == Actions{Announce{5}});  // the last word is ours
    CHECK(node.on_advert(rival, start + 400ms) == Actions{answer, Announce{5}, won});
  }

  TEST_CASE("a backup announces nothing") {
    StateMachine node = active(options(100));
    CHECK(node.on_advert(advert(200), start + 1ms).size() == 3);

    CHECK(node.on_advert(advert(200), start + 3s) == kNothing);
    CHECK(node.on_deadline(start + 5s) == kNothing);
    CHECK(node.state() == State::backup);
  }
}

}  // namespace tandem::vrrp
