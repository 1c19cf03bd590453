#include "admin/text.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/admin/sample_view.hpp"

namespace tandem::admin {

TEST_SUITE("admin/text") {
  TEST_CASE("status is a page that a person reads at a glance") {
    CHECK(status_text(sample_view(), Colour::never) == R"(Tandem 0.1.0 on lb-a: ready, up 3h 12m, 2 workers
Configuration /etc/tandem/tandem.toml, in use for 1m 30s

LISTENER      ADDRESS           POOL          ACTIVE  TOTAL  REJECTED      IN  OUT
orders-write  192.0.2.100:5000  orders-write      12  34567         0  1.5 MB  0 B

POOL          CLUSTER  ROLE     BALANCE            ACTIVE  TOTAL  HELD  QUEUED  BACKENDS
orders-write  orders   primary  least_connections       0      0     0       0  pg-0
orders-read   orders   replica  round_robin             0      0     0       0  none, falls back to orders-write

Cluster orders: 2 of 3 up, probed by patroni, primary pg-0
  BACKEND  ADDRESS         STATE  FOR     ROLE       LAG  SESSIONS  TOTAL   PROBE  NOTE
  pg-0     10.0.1.10:5432  up     10m 0s  primary      -        12      0  12.4ms  role primary, timeline 4
  pg-1     10.0.1.11:5432  drain  10m 0s  replica  12 MB         0      0  12.4ms  drain by alice for 1m 0s, 9m 0s left: kernel upgrade; role replica, timeline 4, lag 12 MB
  pg-2     10.0.1.12:5432  down   5s      -            -         0      0       -  connect refused
)");
  }

  TEST_CASE("the status of a pair says first who is active") {
    const std::string text = status_text(sample_pair(), Colour::never);

    CHECK(text.substr(0, text.find("\nLISTENER")) ==
          R"(Tandem 0.1.0 on lb-a: active for front, ready, up 3h 12m, 2 workers

INSTANCE  STATE   FOR      PRIORITY  INTERFACE   ACTIVE NODE     ADDRESSES
front     active  10m 0s        150  eth0 id 51  this node       192.0.2.100/24, 192.0.2.101/24
back      backup  10m 0s  50 of 100  eth0 id 52  10.0.0.3 (150)  10.0.0.100/24
  back: cluster orders is down
Peer lb-b at 192.0.2.3:8405: linked for 10m 0s, round trip 210us, Tandem 0.1.0

Configuration /etc/tandem/tandem.toml, in use for 1m 30s
)");
  }

  TEST_CASE("a node that is active for everything or nothing says so in a word") {
    View view = sample_pair();
    view.vrrp[1].state = "active";
    CHECK(status_text(view, Colour::never).starts_with("Tandem 0.1.0 on lb-a: active, ready"));
    view.vrrp[0].state = view.vrrp[1].state = "backup";
    CHECK(status_text(view, Colour::never).starts_with("Tandem 0.1.0 on lb-a: backup, ready"));
    view.vrrp[1].state = "initialize";
    CHECK(status_text(view, Colour::never).starts_with("Tandem 0.1.0 on lb-a: not active, ready"));
  }

  TEST_CASE("another active router is told in red and with its address") {
    View view = sample_pair();
    view.vrrp[0].contested = true;
    view.vrrp[0].active_router = "192.0.2.3";

    CHECK(status_text(view, Colour::never)
              .find("  front: another router is active too, 192.0.2.3: the nodes do not hear each other, or share a "
                    "virtual router id with a stranger\n") != std::string::npos);
    CHECK(status_text(view, Colour::always).find("\x1b[1;31mfront: another router is active too") != std::string::npos);
  }

  TEST_CASE("a node that heard nobody suspects the network") {
    View view = sample_pair();
    view.vrrp[0].heard_nobody = true;

    CHECK(status_text(view, Colour::never)
              .find("  front: heard nobody since the start: is multicast (or protocol 112) filtered? A backup is "
                    "silent, so see whether the other node is active too\n") != std::string::npos);
  }

  TEST_CASE("addresses in the wrong hands are told") {
    View view = sample_pair();
    view.vrrp[0].holds_addresses = false;
    view.vrrp[1].holds_addresses = true;

    const std::string text = status_text(view, Colour::never);

    CHECK(text.find("  front: active without all of its addresses on the interface\n") != std::string::npos);
    CHECK(text.find("  back: backup with addresses on the interface that are the active node's\n") !=
          std::string::npos);
  }

  TEST_CASE("a node that leaves and a link that is down are told with the reason") {
    View view = sample_pair();
    view.vrrp[0].leaving = true;
    view.peer->up = false;
    view.peer->node.clear();
    view.peer->since = std::chrono::seconds(5);
    view.peer->reason = "connection refused";

    const std::string text = status_text(view, Colour::never);

    CHECK(text.find("front     active (leaving)  10m 0s") != std::string::npos);
    CHECK(text.find("Peer 192.0.2.3:8405: no link for 5s: connection refused\n") != std::string::npos);
  }

  TEST_CASE("colours mark what is good and bad and are only there on request") {
    const std::string plain = status_text(sample_view(), Colour::never);
    const std::string coloured = status_text(sample_view(), Colour::always);

    CHECK(plain.find('\x1b') == std::string::npos);
    CHECK(coloured.find("\x1b[1;31mdown\x1b[0m") != std::string::npos);
    CHECK(coloured.find("\x1b[33mdrain\x1b[0m") != std::string::npos);
    CHECK(coloured.find("\x1b[32mup\x1b[0m") != std::string::npos);
  }

  TEST_CASE("trouble is named") {
    View view = sample_view();
    view.node.ready = false;
    view.node.reasons = {"cluster orders: no verdict yet"};
    view.config.last_reload_successful = false;
    view.config.error = "tandem.toml:3:1: error: unknown key\n1 error";
    view.clusters[0].conflict = {"pg-0", "pg-1"};
    view.clusters[0].conflict_reason = "pg-0 has the higher epoch, 5";

    const std::string text = status_text(view, Colour::never);

    CHECK(text.find("not ready") != std::string::npos);
    CHECK(text.find("  cluster orders: no verdict yet\n") != std::string::npos);
    CHECK(
        text.find(
            "The reload 1m 30s ago failed and changed nothing:\n  tandem.toml:3:1: error: unknown key\n  1 error\n") !=
        std::string::npos);
    CHECK(text.find("  pg-0 and pg-1 say they are the primary: pg-0 has the higher epoch, 5\n") != std::string::npos);
  }

  TEST_CASE("a stale primary that is refused is told with its reason and the way out") {
    View view = sample_view();
    view.clusters[0].primary.clear();
    view.clusters[0].conflict_reason = "pg-0 has epoch 4 and 5 was seen";

    const std::string text = status_text(view, Colour::never);

    CHECK(text.find("  no primary: pg-0 has epoch 4 and 5 was seen; the way out: tandem promote orders/pg-0\n") !=
          std::string::npos);
  }

  TEST_CASE("an unsettled conflict is told with the way out") {
    View view = sample_view();
    view.clusters[0].primary.clear();
    view.clusters[0].conflict = {"pg-0", "pg-1"};
    view.clusters[0].conflict_reason = "both have epoch 4";

    const std::string text = status_text(view, Colour::never);

    CHECK(text.find("  pg-0 and pg-1 say they are the primary: both have epoch 4; the way out: "
                    "tandem promote orders/pg-0 or tandem promote orders/pg-1\n") != std::string::npos);
  }

  TEST_CASE("what a backend says cannot order the terminal around") {
    View view = sample_view();
    view.clusters[0].backends[0].reason = "\x1b]0;owned\x07\r\nfake line";

    const std::string text = status_text(view, Colour::never);

    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find(" ]0;owned   fake line\n") != std::string::npos);
  }
}

}  // namespace tandem::admin
