#pragma once

#include <string>
#include <vector>

#include "app/demo/database.hpp"
#include "base/address.hpp"
#include "base/result.hpp"

namespace tandem::app::demo {

/// Where everybody in the demo listens, on loopback ports that were free.
struct Stage {
  Endpoint write;
  Endpoint read;
  Endpoint admin;
  std::vector<Database> databases;

  static Result<Stage> choose();
  /// The node's configuration file. `socket`: where its unix socket goes.
  [[nodiscard]] std::string config(const std::string& socket) const;
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

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  void keep() { path_.clear(); }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace tandem::app::demo
