#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>

namespace tandem::healthcheck {

/// Lets at most so many in at a time; the others wait in order of arrival. One thread.
class Gate : public std::enable_shared_from_this<Gate> {
 public:
  /// A place inside; the last copy that goes gives it to the next in line.
  using Ticket = std::shared_ptr<void>;
  using OnEntry = std::function<void(Ticket)>;

  Gate(boost::asio::io_context& context, std::size_t places) : context_(context), free_(places) {}

  /// Calls `on_entry` at once where there is room, else from the io_context when there is. Who has gone away meanwhile
  /// lets the ticket drop.
  void enter(OnEntry on_entry);

  /// Sends the whole line away.
  void close() { line_.clear(); }

  [[nodiscard]] std::size_t waiting() const { return line_.size(); }

 private:
  Ticket ticket();
  void leave();

  boost::asio::io_context& context_;
  std::size_t free_;
  std::deque<OnEntry> line_;
};

}  // namespace tandem::healthcheck
