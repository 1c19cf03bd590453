#include "app/demo/client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/text.hpp"
#include "net/socket_address.hpp"

namespace tandem::app::demo {

namespace {

constexpr timeval kAnswerWithin{15, 0};
constexpr Duration kPause = std::chrono::milliseconds(10);  // between two requests
constexpr int kTries = 2;

Duration since_boot() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// The whole answer; empty when the connection was refused or ended before one.
std::string exchange(RequestKind kind, const Endpoint& node) {
  const net::SocketAddress address(node);
  const net::Fd socket(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerWithin, sizeof(kAnswerWithin));
  if (connect(socket.get(), address.get(), address.length) != 0) {
    return {};
  }
  const std::string text = concat(kind == RequestKind::write ? "POST" : "GET",
                                  " / HTTP/1.1\r\nHost: demo\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  if (send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
    return {};
  }
  std::string answer;
  std::array<char, 1024> buffer{};
  while (true) {
    const ssize_t received = recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (received <= 0) {
      return received == 0 ? answer : std::string();
    }
    answer.append(buffer.data(), static_cast<std::size_t>(received));
  }
}

}  // namespace

Record read_answer(RequestKind kind, std::string_view answer) {
  Record record;
  record.kind = kind;
  const std::size_t body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200 ") || body == std::string_view::npos) {
    return record;
  }
  // "db-1 primary 3 117"
  const std::string_view text = answer.substr(body + 4);
  const std::size_t role = text.find(' ');
  const std::size_t timeline = role == std::string_view::npos ? role : text.find(' ', role + 1);
  if (timeline == std::string_view::npos) {
    return record;
  }
  record.by_primary = text.substr(role + 1, timeline - role - 1) == "primary";
  const auto number = std::from_chars(text.data() + timeline + 1, text.data() + text.size(), record.timeline);
  record.good = number.ec == std::errc() && (record.by_primary || kind == RequestKind::read);
  return record;
}

Record request(RequestKind kind, const Endpoint& node) {
  const Duration started = since_boot();
  Record record;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const std::string answer = exchange(kind, node);
    record = read_answer(kind, answer);
    record.sent_again = static_cast<std::uint8_t>(attempt);
    if (!answer.empty()) {
      break;
    }
  }
  record.started = started;
  record.finished = since_boot();
  return record;
}

void keep_requesting(RequestKind kind, const Endpoint& node, const Ledger& ledger, const net::Fd& records) {
  while (!ledger.stop) {
    const Record record = request(kind, node);
    if (write(records.get(), &record, sizeof(record)) != static_cast<ssize_t>(sizeof(record))) {
      return;
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tandem::app::demo
