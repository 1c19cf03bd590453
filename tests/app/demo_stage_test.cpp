#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/demo/child.hpp"
#include "app/demo/client.hpp"
#include "app/demo/database.hpp"
#include "app/demo/enclosure.hpp"
#include "app/demo/forwarder.hpp"
#include "app/demo/ledger.hpp"
#include "app/demo/network.hpp"
#include "app/demo/stage.hpp"
#include "config/reader.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"

namespace tandem::app::demo {

using namespace std::chrono_literals;

namespace {

/// Does `work` in the first process of an enclosure of its own; what it says, or "refused: " and why.
std::string in_enclosure(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const net::Fd words(ends[0]);
  net::Fd pen(ends[1]);
  const auto say = [&](const std::string& text) {
    static_cast<void>(write(pen.get(), text.data(), text.size()));
    _exit(0);
  };
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (const auto entered = enter_enclosure(); !entered) {
      say("refused: " + entered.error().text);
    }
    const pid_t first = fork();
    if (first == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      say(work());
    }
    waitpid(first, nullptr, 0);
    _exit(0);
  }
  pen.close();
  std::string text;
  std::array<char, 256> buffer{};
  for (ssize_t size = 0; (size = read(words.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  waitpid(child, nullptr, 0);
  return text;
}

bool was_refused(const std::string& told) {
  if (told.starts_with("refused: ")) {
    MESSAGE("skipped: ", told);
    return true;
  }
  return false;
}

/// What comes back for `question`; empty when nobody is there.
std::string ask(const Endpoint& where, const std::string& question) {
  const net::SocketAddress address(where);
  const net::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{5, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (connect(socket.get(), address.get(), address.length) != 0) {
    return {};
  }
  static_cast<void>(send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL));
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

/// Asks until somebody answers, a few seconds at most.
std::string ask_soon(const Endpoint& where, const std::string& question) {
  std::string text;
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (text.empty() && std::chrono::steady_clock::now() < until) {
    text = ask(where, question);
    std::this_thread::sleep_for(10ms);
  }
  return text;
}

Database database_at(const IpAddress& address) {
  Database database;
  database.name = "db-1";
  database.data = Endpoint{address, 5432};
  database.rest = Endpoint{address, 8008};
  return database;
}

constexpr const char* kGet = "GET / HTTP/1.1\r\n\r\n";

}  // namespace

TEST_SUITE("app/demo_stage") {
  TEST_CASE("a database answers data and role by what the ledger says") {
    Ledger ledger;
    Database database;
    database.index = 1;
    database.name = "db-2";

    CHECK(answer_rest(database, ledger).starts_with("HTTP/1.1 503 "));
    CHECK(answer_rest(database, ledger).find(R"("role": "replica")") != std::string::npos);
    CHECK(read_answer(RequestKind::write, answer_data(database, ledger, "POST / HTTP/1.1\r\n\r\n")).outcome ==
          Outcome::wrong_answer);
    CHECK(read_answer(RequestKind::read, answer_data(database, ledger, kGet)).outcome == Outcome::good);

    ledger.leader = 1;
    ledger.timeline = 7;
    const Record record = read_answer(RequestKind::write, answer_data(database, ledger, "POST / HTTP/1.1\r\n\r\n"));
    CHECK(record.outcome == Outcome::good);
    CHECK(record.by_primary);
    CHECK(record.timeline == 7);
    CHECK(ledger.position == 1);
    CHECK(answer_rest(database, ledger).starts_with("HTTP/1.1 200 "));
    CHECK(answer_rest(database, ledger).find(R"("timeline": 7)") != std::string::npos);
  }

  TEST_CASE("answers that are not ours are failures") {
    CHECK(read_answer(RequestKind::read, "").outcome == Outcome::cut_off);
    for (const char* answer : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\ndb-1", "HTTP/1.1 500 No\r\n\r\n",
                               "HTTP/1.1 200 OK\r\n\r\ndb-1 primary x", "db-1 primary 1 1"}) {
      CAPTURE(answer);
      CHECK(read_answer(RequestKind::read, answer).outcome == Outcome::wrong_answer);
    }
    CHECK(read_answer(RequestKind::write, "HTTP/1.1 200 OK\r\n\r\ndb-1 replica 1 1\n").outcome ==
          Outcome::wrong_answer);
  }

  TEST_CASE("the files of both nodes are good and name each other") {
    const Stage stage = Stage::set();
    const auto environment = [](const std::string&) { return std::optional<std::string>(); };
    for (std::size_t seat = 0; seat < 2; ++seat) {
      const config::Reading reading = config::read(stage.config(seat, "/tmp/demo"), environment);
      for (const config::Problem& problem : reading.problems) {
        MESSAGE(config::to_string(problem, "tandem.toml"));
      }
      REQUIRE(reading.config.has_value());
      REQUIRE(reading.config->vrrp.size() == 1);
      REQUIRE(reading.config->peer.has_value());
      CHECK(reading.config->vrrp[0].addresses[0].address == stage.shared);
      CHECK(reading.config->peer->address.address == stage.seats[1 - seat].address);
      CHECK(reading.config->admin.socket == "/tmp/demo/" + stage.seats[seat].name + ".sock");
    }
  }

  TEST_CASE("a bridge joins networks and a pulled cable is gone at once") {
    const std::string told = in_enclosure([]() -> std::string {
      const Stage stage = Stage::set();
      auto lan = Lan::create({stage.client}, 24);
      auto far = NetworkNamespace::create();
      if (!lan || !far) {
        return lan ? far.error().text : lan.error().text;
      }
      if (auto plugged = lan->plug_in("lb-a", *far, stage.seats[0].address); !plugged) {
        return plugged.error().text;
      }
      auto ledger = SharedLedger::create();
      const Database database = database_at(stage.seats[0].address);
      auto child = Child::fork([&] {
        static_cast<void>(far->inside([&]() -> Result<> {
          serve(database, **ledger);
          return {};
        }));
      });
      std::string text = ask_soon(database.data, kGet).starts_with("HTTP/1.1 200 ") ? "answers" : "is silent";
      static_cast<void>(lan->pull_out("lb-a"));
      const net::Fd late = net::open_tcp(database.data.address);
      const net::SocketAddress address(database.data);
      static_cast<void>(connect(late.get(), address.get(), address.length));
      pollfd writable{late.get(), POLLOUT, 0};
      text += poll(&writable, 1, 300) == 0 ? ", then is gone" : ", and stays";
      return text;
    });
    if (!was_refused(told)) {
      CHECK(told == "answers, then is gone");
    }
  }

  TEST_CASE("a door in one network leads into another one") {
    if (was_refused(in_enclosure([] { return std::string("let in"); }))) {
      return;
    }
    auto door = Doorway::open();
    REQUIRE(door.has_value());
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    const net::Fd until(ends[0]);  // the enclosure lives until a byte comes
    const net::Fd over(ends[1]);
    std::string told;
    std::thread enclosed([&] {
      told = in_enclosure([&]() -> std::string {
        const IpAddress loopback(std::array<std::uint8_t, 4>{127, 0, 0, 1});
        auto inner = NetworkNamespace::create();
        auto ledger = SharedLedger::create();
        if (!inner || !ledger) {
          return "no network";
        }
        const Database database = database_at(loopback);
        std::vector<Child> children;
        for (const bool serves : {true, false}) {
          auto child = Child::fork([&] {
            static_cast<void>(inner->inside([&]() -> Result<> {
              if (serves) {
                serve(database, **ledger);
              }
              forward(*door, database.data);
              return {};
            }));
          });
          if (!child) {
            return "no process";
          }
          children.push_back(std::move(*child));
        }
        char byte = 0;
        static_cast<void>(read(until.get(), &byte, 1));
        return "done";
      });
    });

    const std::string answer = ask_soon(door->endpoint, kGet);
    const std::string other = ask(door->endpoint, "POST / HTTP/1.1\r\n\r\n");
    REQUIRE(write(over.get(), "x", 1) == 1);
    enclosed.join();

    CHECK(told == "done");
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    CHECK(answer.find("db-1 primary 1 0") != std::string::npos);
    CHECK(other.find("db-1 primary 1 1") != std::string::npos);
  }

  TEST_CASE("nobody in an enclosure outlives its first process") {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    const net::Fd ended(ends[0]);
    net::Fd alive(ends[1]);
    const std::string told = in_enclosure([&]() -> std::string {
      auto first = Child::fork([&] {
        // Not a Child: nothing tells it to end with its parent.
        if (fork() == 0) {
          setsid();
          while (true) {
            pause();
          }
        }
        std::this_thread::sleep_for(100ms);
      });
      if (!first) {
        return "no process";
      }
      first->wait(5s);
      return "left";
    });
    alive.close();

    if (!was_refused(told)) {
      CHECK(told == "left");
      pollfd all_gone{ended.get(), POLLIN, 0};
      CHECK(poll(&all_gone, 1, 5000) == 1);  // the last holder of the pipe's other end is gone
    }
  }

  TEST_CASE("clients begin requests until they are told to stop and lose none") {
    const std::string told = in_enclosure([]() -> std::string {
      const Stage stage = Stage::set();
      auto ledger = SharedLedger::create();
      auto lan = Lan::create({stage.client}, 24);
      if (!lan || !ledger) {
        return "no network";
      }
      const Database database = database_at(stage.client);
      auto server = Child::fork([&] { serve(database, **ledger); });
      std::array<int, 2> ends{};
      if (ask_soon(database.data, kGet).empty() || pipe2(ends.data(), O_CLOEXEC) != 0) {
        return "no server";
      }
      const net::Fd records(ends[0]);
      net::Fd results(ends[1]);
      auto client = Child::fork([&] { keep_requesting(database.data, database.data, **ledger, results); });
      results.close();
      std::array<std::size_t, 2> good{};
      std::size_t others = 0;
      Record record;
      while (read(records.get(), &record, sizeof(record)) == static_cast<ssize_t>(sizeof(record))) {
        if (record.outcome == Outcome::good) {
          ++good[static_cast<std::size_t>(record.kind)];
        } else {
          ++others;
        }
        (*ledger)->stop = (*ledger)->stop || (good[0] > 20 && good[1] > 20) || others > 20;
      }
      client->wait(5s);
      const bool all = (*ledger)->position == good[0];
      return std::to_string(others) + " failed, " + (all ? "every" : "not every") + " write was told";
    });
    if (!was_refused(told)) {
      CHECK(told == "0 failed, every write was told");
    }
  }
}

}  // namespace tandem::app::demo
