#include "app/commands.hpp"

#include <doctest/doctest.h>

#include <iostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <vector>

#include "app/command_line.hpp"
#include "tests/admin/running_server.hpp"

using namespace tandem;
using namespace tandem::app;

namespace {

/// What is printed while it lives.
class Captured {
 public:
  Captured() : out_before_(std::cout.rdbuf(out_.rdbuf())), err_before_(std::cerr.rdbuf(err_.rdbuf())) {}
  ~Captured() {
    std::cout.rdbuf(out_before_);
    std::cerr.rdbuf(err_before_);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  [[nodiscard]] std::string out() const { return out_.str(); }
  [[nodiscard]] std::string err() const { return err_.str(); }

 private:
  std::ostringstream out_;
  std::ostringstream err_;
  std::streambuf* out_before_;
  std::streambuf* err_before_;
};

/// A node whose virtual routers are in these states; the second and third are of one group.
struct Fixture {
  explicit Fixture(const std::vector<std::string>& states) {
    server.on_thread([&] {
      server.control.shown = admin::sample_pair();
      admin::VrrpView router = server.control.shown.vrrp.at(0);
      server.control.shown.vrrp.clear();
      for (std::size_t i = 0; i < states.size(); ++i) {
        router.name = "router-" + std::to_string(i);
        router.state = states[i];
        router.sync_group = i == 1 || i == 2 ? "both" : "";
        server.control.shown.vrrp.push_back(router);
      }
    });
    node.admin = server.options.socket;
  }

  /// By whom is the kernel's to say.
  std::vector<std::string> handed_over() {
    return server.on_thread([&] {
      std::vector<std::string> names;
      for (const std::string& order : server.control.handed_over) {
        names.push_back(order.substr(0, order.find(' ')));
      }
      return names;
    });
  }

  admin::RunningServer server;
  NodeAddress node;
};

int run_line(std::vector<std::string> words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  return run_command_line(static_cast<int>(words.size()), arguments.data());
}

using Names = std::vector<std::string>;

}  // namespace

TEST_SUITE("app/commands") {
  TEST_CASE("a handover names its virtual router and says what happened") {
    Fixture one({"active"});
    const Captured captured;

    CHECK(order_handover(one.node, "router-0") == 0);

    CHECK(captured.out() == "front: handed over\n");
    CHECK(one.handed_over() == Names{"router-0"});
  }

  TEST_CASE("a handover without a name takes all that are active and one of each group") {
    Fixture four({"active", "active", "active", "backup"});
    const Captured captured;

    CHECK(order_handover(four.node, "") == 0);

    CHECK(four.handed_over() == Names{"router-0", "router-1"});
  }

  TEST_CASE("a handover without anything to hand over fails with the reason") {
    Fixture backups({"backup", "initialize"});
    Fixture single({});
    const Captured captured;

    CHECK(order_handover(backups.node, "") == 1);
    CHECK(order_handover(single.node, "") == 1);

    CHECK(captured.err() ==
          "tandem: nothing to hand over: router-0 is backup, router-1 is initialize\n"
          "tandem: nothing to hand over: the node's file has no [[vrrp]]\n");
    CHECK(backups.handed_over().empty());
  }

  TEST_CASE("a handover that the node refuses fails and the others are still tried") {
    Fixture two({"active", "active"});
    two.server.on_thread([&] {
      two.server.control.handover_answer =
          admin::Answer::refused(admin::Outcome::conflict, "router-0: nobody is there to take it");
    });
    const Captured captured;

    CHECK(order_handover(two.node, "") == 1);

    CHECK(captured.err() ==
          "tandem: router-0: nobody is there to take it\ntandem: router-0: nobody is there to take it\n");
    CHECK(two.handed_over() == Names{"router-0", "router-1"});
  }

  TEST_CASE("the command line knows handover and run without a watcher") {
    Fixture one({"active"});
    const Captured captured;

    CHECK(run_line({"tandem", "handover", "router-0", "--admin", one.node.admin}) == 0);
    CHECK(run_line({"tandem", "handover", "router-0", "router-1", "--admin", one.node.admin}) == 2);
    CHECK(run_line({"tandem", "handower"}) == 2);
    CHECK(run_line({"tandem", "run", "--help"}) == 0);

    CHECK(one.handed_over() == Names{"router-0"});
    CHECK(captured.err().find("did you mean \"handover\"?") != std::string::npos);
    CHECK(captured.out().find("--no-watcher") != std::string::npos);
  }

  TEST_CASE("a handover of a node that does not run fails") {
    NodeAddress nowhere;
    nowhere.admin = "/nowhere/admin.sock";
    const Captured captured;

    CHECK(order_handover(nowhere, "") == 1);
    CHECK(captured.err().find("/nowhere/admin.sock") != std::string::npos);
  }
}
