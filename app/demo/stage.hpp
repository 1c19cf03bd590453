#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "app/demo/database.hpp"
#include "base/address.hpp"
#include "base/result.hpp"

namespace tandem::app::demo {

/// One of the two nodes: where it sits.
struct Seat {
  std::string name;
  IpAddress address;
  unsigned priority = 0;
};

/// Who sits where on the bridge. Its addresses are those of documentation, RFC 5737; they exist in the demo alone.
struct Stage {
  std::uint8_t prefix_length = 24;
  IpAddress client;
  IpAddress shared;  // the virtual address
  Endpoint write;
  Endpoint read;
  Endpoint admin;  // of each node, on its own loopback
  std::array<Seat, 2> seats;
  std::vector<Database> databases;

  static Stage set();
  /// The configuration file of a node. `directory`: where its socket goes, NAME.sock, and where the key lies.
  [[nodiscard]] std::string config(std::size_t seat, const std::string& directory) const;
};

/// A new directory that goes with everything in it, unless it is to be kept for somebody to look at.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> create();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

/// Writes a fresh key for the link between the nodes, that nobody else may read.
Result<> write_key(const std::string& file);

}  // namespace tandem::app::demo
