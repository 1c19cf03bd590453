#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace tandem::app {

/// A program to be told something: its arguments, and what its environment has beside ours.
struct Notification {
  std::string program;  // an absolute path
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
};

/// Runs programs that want to hear of changes: one at a time for each key, in order, none longer than 30 s, and nobody
/// waits for them. What cannot be run is logged. Control thread.
class NotifyHook {
 public:
  NotifyHook(boost::asio::io_context& context, Log log);
  /// Programs that run go on, on their own.
  ~NotifyHook();
  NotifyHook(const NotifyHook&) = delete;
  NotifyHook& operator=(const NotifyHook&) = delete;

  /// After those of the same key that are still waiting; of more than 16 waiting the oldest is dropped and logged.
  void run(const std::string& key, Notification notification);

 private:
  struct Queue;

  void start_next(const std::string& key);
  void watch(const std::string& key);
  void on_end(const std::string& key);

  boost::asio::io_context& context_;
  Log log_;
  std::map<std::string, std::unique_ptr<Queue>> queues_;
};

}  // namespace tandem::app
