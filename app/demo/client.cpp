#include "app/demo/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"

namespace tandem::app::demo {

namespace {

using namespace std::chrono_literals;

constexpr Duration kEvery = 4ms;  // of each kind
constexpr Duration kAnswerWithin = 12s;
constexpr Duration kLeaveWithin = 3s;

Duration since_boot() { return std::chrono::steady_clock::now().time_since_epoch(); }

struct Pending {
  net::Fd socket;
  Record record;
  std::string answer;
  bool sent = false;
};

/// The requests under way.
class Requests {
 public:
  explicit Requests(const net::Fd& records) : records_(records) {}

  void begin(RequestKind kind, const Endpoint& where, Duration now);
  /// Waits until something happens, at most until `until`.
  void turn(Duration until);
  [[nodiscard]] bool empty() const { return pending_.empty(); }
  /// Gives up what is still under way.
  void end();
  /// Nobody listens to the records any more.
  [[nodiscard]] bool unheard() const { return unheard_; }

 private:
  bool take_turn(Pending& request);
  bool fail(Pending& request, int error);
  void tell(Record record, Duration now);

  const net::Fd& records_;
  std::vector<Pending> pending_;
  std::vector<pollfd> waiting_;
  bool unheard_ = false;
};

void Requests::begin(RequestKind kind, const Endpoint& where, Duration now) {
  Pending request;
  request.record.kind = kind;
  request.record.started = now;
  request.socket = net::open_tcp(where.address);
  const net::SocketAddress address(where);
  if (connect(request.socket.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
    fail(request, errno);
    return;
  }
  pending_.push_back(std::move(request));
}

void Requests::turn(Duration until) {
  waiting_.clear();
  for (const Pending& request : pending_) {
    waiting_.push_back({request.socket.get(), static_cast<short>(request.sent ? POLLIN : POLLOUT), 0});
  }
  const auto wait = std::max<Duration>(0ns, until - since_boot());
  const timespec patience{wait / 1s, (wait % 1s).count()};
  ppoll(waiting_.data(), waiting_.size(), &patience, nullptr);
  const Duration now = since_boot();
  for (std::size_t index = pending_.size(); index > 0; --index) {
    Pending& request = pending_[index - 1];
    bool goes_on = waiting_[index - 1].revents == 0 || take_turn(request);
    if (goes_on && now - request.record.started > kAnswerWithin) {
      request.record.outcome = Outcome::timed_out;
      tell(request.record, now);
      goes_on = false;
    }
    if (!goes_on) {
      std::swap(request, pending_.back());
      pending_.pop_back();
    }
  }
}

void Requests::end() {
  for (Pending& request : pending_) {
    fail(request, ETIMEDOUT);
  }
  pending_.clear();
}

/// Whether it goes on.
bool Requests::take_turn(Pending& request) {
  if (!request.sent) {
    const std::string text = concat(request.record.kind == RequestKind::write ? "POST" : "GET",
                                    " / HTTP/1.1\r\nHost: demo\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    request.sent = true;
    return send(request.socket.get(), text.data(), text.size(), MSG_NOSIGNAL) > 0 || fail(request, errno);
  }
  std::array<char, 1024> buffer{};
  const ssize_t received = recv(request.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (received < 0) {
    return errno == EAGAIN || errno == EINTR || fail(request, errno);
  }
  if (received > 0) {
    request.answer.append(buffer.data(), static_cast<std::size_t>(received));
    return true;
  }
  Record record = read_answer(request.record.kind, request.answer);
  record.started = request.record.started;
  tell(record, since_boot());
  return false;
}

/// False: it does not go on.
bool Requests::fail(Pending& request, int error) {
  request.record.outcome = error == ECONNREFUSED ? Outcome::refused
                           : error == ETIMEDOUT  ? Outcome::timed_out
                                                 : Outcome::cut_off;
  tell(request.record, since_boot());
  return false;
}

void Requests::tell(Record record, Duration now) {
  record.finished = now;
  unheard_ = write(records_.get(), &record, sizeof(record)) != static_cast<ssize_t>(sizeof(record));
}

}  // namespace

Record read_answer(RequestKind kind, std::string_view answer) {
  Record record;
  record.kind = kind;
  if (answer.empty()) {
    return record;
  }
  record.outcome = Outcome::wrong_answer;
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
  if (number.ec == std::errc() && (record.by_primary || kind == RequestKind::read)) {
    record.outcome = Outcome::good;
  }
  return record;
}

void keep_requesting(const Endpoint& writes, const Endpoint& reads, const Ledger& ledger, const net::Fd& records) {
  Requests requests(records);
  RequestKind kind = RequestKind::write;
  Duration next = since_boot();
  while (!ledger.stop && !requests.unheard()) {
    const Duration now = since_boot();
    if (now >= next) {
      requests.begin(kind, kind == RequestKind::write ? writes : reads, now);
      kind = kind == RequestKind::write ? RequestKind::read : RequestKind::write;
      next = std::max(next + kEvery / 2, now - kEvery);  // what a stall kept us from is not made up for
    }
    requests.turn(next);
  }
  const Duration until = since_boot() + kLeaveWithin;
  while (!requests.empty() && !requests.unheard() && since_boot() < until) {
    requests.turn(until);
  }
  requests.end();
}

}  // namespace tandem::app::demo
