#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "vrrp/state_machine.hpp"

namespace tandem::vrrp {

/// A link between two nodes drops no more than this many adverts in a row: three missed are what VRRP calls a failure,
/// and the test a partition.
inline constexpr unsigned kLossesInARow = 2;

struct NetworkOptions {
  double loss = 0;         // of an advert on one link
  double duplication = 0;  // it comes a second time, later
  Duration delay_max{};
};

enum class Hearing : std::uint8_t { yes, no };

/// Virtual routers on a simulated network in virtual time. Their clocks drift; adverts are lost, delayed, duplicated
/// and overtaken; nodes stop, pause, come back, go deaf, are partitioned. After every step it looks at who holds the
/// address.
class Simulation {
 public:
  Simulation(std::uint64_t seed, NetworkOptions network) : random_(seed), network_(network) {}

  std::size_t add_node(const Options& options, double drift);

  void run_until(Instant until);
  /// Nodes of different sides do not hear each other; one side each for all: healed.
  void partition(const std::vector<int>& sides);
  void start(std::size_t node);
  /// Without a farewell; a watcher takes its addresses away.
  void kill(std::size_t node);
  /// Its thread stands still; it keeps what it holds, and what arrives waits for it.
  void pause(std::size_t node);
  void resume(std::size_t node);
  /// It sends and hears nobody, as with multicast filtered one way.
  void set_hearing(std::size_t node, Hearing hearing);
  void shut_down(std::size_t node, Farewell farewell);
  void hand_over(std::size_t node);
  void set_network(NetworkOptions network) { network_ = network; }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const StateMachine& machine(std::size_t node) const { return *nodes_[node].machine; }
  [[nodiscard]] bool is_running(std::size_t node) const { return nodes_[node].running; }
  [[nodiscard]] std::vector<std::size_t> holders() const;
  /// Whose gratuitous ARP the neighbours saw last.
  [[nodiscard]] std::size_t last_announcer() const { return last_announcer_; }
  /// The longest that two held the address without a partition or pause or a deaf one, and that nobody did since the
  /// first holder.
  [[nodiscard]] Duration longest_overlap() const { return longest_overlap_; }
  [[nodiscard]] Duration longest_gap() const { return longest_gap_; }
  [[nodiscard]] std::size_t steps() const { return steps_; }
  /// Empty while every node that holds the address is active and the other way round.
  [[nodiscard]] const std::string& broken_rule() const { return broken_rule_; }
  /// From now on, as if nothing had happened before.
  void forget_measurements();

 private:
  struct Node {
    Options options;
    IpAddress self;
    double rate = 1;  // of its clock
    std::optional<StateMachine> machine;
    bool running = false;
    bool paused = false;
    bool holds = false;
    Hearing hearing = Hearing::yes;
    int side = 0;
    std::vector<Advert> waiting;  // arrived during a pause
    std::vector<unsigned> losses_in_a_row;
  };
  struct Flying {
    Instant at;
    std::uint64_t order = 0;
    std::size_t to = 0;
    Advert advert;
  };

  [[nodiscard]] Instant local(const Node& node, Instant at) const;
  [[nodiscard]] Instant global(const Node& node, Instant at) const;
  [[nodiscard]] std::optional<Instant> next_deadline(const Node& node) const;
  [[nodiscard]] bool is_faulty() const;
  void carry_out(std::size_t from, const Actions& actions);
  void send(std::size_t from, Priority priority);
  void fly(std::size_t to, const Advert& advert);
  void deliver(const Flying& flying);
  void advance(Instant to);
  void look();

  Random random_;
  NetworkOptions network_;
  Instant now_{std::chrono::hours(1)};
  std::vector<Node> nodes_;
  std::vector<Flying> flying_;  // a heap, the earliest first
  std::uint64_t sent_ = 0;
  std::size_t steps_ = 0;
  std::size_t last_announcer_ = 0;
  std::optional<Instant> overlap_since_;
  std::optional<Instant> gap_since_;
  Duration longest_overlap_{};
  Duration longest_gap_{};
  std::string broken_rule_;
};

}  // namespace tandem::vrrp
