#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "app/demo/child.hpp"
#include "app/demo/interrupts.hpp"
#include "app/demo/ledger.hpp"
#include "app/demo/network.hpp"
#include "app/demo/node.hpp"
#include "app/demo/stage.hpp"
#include "app/demo/story.hpp"
#include "app/demo/tally.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"

namespace tandem::app::demo {

/// The shortest time in which the whole story can be told.
inline constexpr Duration kLengthMin = std::chrono::seconds(12);

/// Who plays, and what happens next to whom. Lives inside the enclosure.
class Play {
 public:
  /// `directory`: for configuration, logs and sockets.
  Play(const std::string& program, const std::string& directory, std::array<Doorway, 2> doors, SharedLedger ledger,
       Duration length);

  /// Builds the network, starts everybody and waits until they serve.
  Result<> start();
  void run();
  /// Ends everybody and prints the report. Empty: nothing failed that should not have.
  std::vector<std::string> finish();

 private:
  /// What happens next, and how long after what happened before.
  struct Step {
    Duration after;
    void (Play::*happen)(Duration now);
  };
  static const std::array<Step, 12> kRound;

  Result<> start_database(std::uint32_t index);
  Result<> start_clients();
  Result<> wait_for_nodes();
  void turn();
  void hear_clients();
  void hear_nodes();
  void take_step(Duration now);
  void schedule(Duration now);

  void kill_serving(Duration now);
  void cut_power(Duration now);
  void restore_power(Duration now);
  void kill_primary(Duration now);
  void promote_another(Duration now);
  void return_the_old_one(Duration now);
  void hand_over(Duration now);
  void end_takeover(Duration now);
  void end_handover(Duration now);
  void end_promotion(Duration now);

  /// Who holds the shared address; lb-a when nobody does.
  [[nodiscard]] Node& active();
  [[nodiscard]] Node& standby() { return &active() == &nodes_[0] ? nodes_[1] : nodes_[0]; }
  [[nodiscard]] const std::string& name_of_database(std::uint32_t index) const { return stage_.databases[index].name; }
  void fail(Duration now, const std::string& problem);

  Stage stage_;
  std::string directory_;
  SharedLedger ledger_;
  Duration begin_;
  Duration end_;
  Story story_;
  Interrupts interrupts_;
  Tally tally_;
  std::vector<Lan> lan_;  // one, once it is built
  std::array<Node, 2> nodes_;
  std::array<Child, 3> databases_;
  Child client_;
  Child command_;
  net::Fd records_;
  double pace_ = 1;
  std::size_t rounds_left_ = 1;
  std::size_t next_step_ = 0;
  Duration next_{Duration::max()};
  bool opened_ = false;
  bool broken_ = false;
  std::uint32_t killed_ = 0;    // the database
  Node* taken_from_ = nullptr;  // who was active when it happened
  std::vector<std::string> problems_;
};

}  // namespace tandem::app::demo
