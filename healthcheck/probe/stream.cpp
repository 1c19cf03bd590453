#include "healthcheck/probe/stream.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <chrono>
#include <utility>

#include "base/text.hpp"

namespace tandem::healthcheck {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// Reads of one wake-up, so that an endless answer does not starve the other probes.
constexpr int kReadsPerTurn = 4;
/// What is read and thrown away after the verdict.
constexpr std::size_t kDrainMax = 1024UL * 1024;

tcp::endpoint to_asio(const Endpoint& endpoint) {
  const auto& bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    return {asio::ip::address_v4({bytes[0], bytes[1], bytes[2], bytes[3]}), endpoint.port};
  }
  return {asio::ip::address_v6(bytes), endpoint.port};
}

/// Our own shortage, which says nothing about the backend.
bool our_own(const error_code& error) {
  return error == asio::error::no_descriptors || error == boost::system::errc::too_many_files_open_in_system ||
         error == asio::error::no_memory || error == asio::error::no_buffer_space ||
         error == boost::system::errc::address_not_available;
}

std::string reason_of(std::string_view phase, const error_code& error) {
  if (error == asio::error::connection_refused) {
    return concat(phase, " refused");
  }
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) {
    return concat("reset in ", phase);
  }
  return concat(phase, ": ", error.message());
}

}  // namespace

StreamProbe::StreamProbe(std::shared_ptr<Surroundings> surroundings, Plan plan, std::unique_ptr<Dialogue> dialogue)
    : surroundings_(std::move(surroundings)),
      plan_(std::move(plan)),
      dialogue_(std::move(dialogue)),
      socket_(surroundings_->context),
      deadline_(surroundings_->context) {}

void StreamProbe::start(Instant /*now*/, Done done) {
  done_ = std::move(done);
  const tcp::endpoint to = to_asio(plan_.to);
  error_code error;
  socket_.open(to.protocol(), error);
  if (!error) {
    socket_.non_blocking(true, error);
  }
  if (error) {
    fail(reason_of("socket", error), our_own(error) ? Evidence::none : Evidence::counts);
    return;
  }
  set_deadline(plan_.timeout - plan_.elapsed);
  socket_.async_connect(to, [self = shared_from_this()](const error_code& failure) { self->on_connect(failure); });
}

void StreamProbe::cancel() {
  done_ = nullptr;
  close();
}

Duration StreamProbe::remaining() const { return deadline_.expiry() - std::chrono::steady_clock::now(); }

void StreamProbe::on_connect(const error_code& error) {
  if (phase_ != Phase::connect) {
    return;
  }
  if (error) {
    fail(reason_of("connect", error), our_own(error) ? Evidence::none : Evidence::counts);
    return;
  }
  error_code unknown;
  if (socket_.local_endpoint(unknown) == to_asio(plan_.to) && !unknown) {
    // A port of the ephemeral range on our own machine can meet itself: TCP's simultaneous open.
    fail("connect refused");
    return;
  }
  if (plan_.tls) {
    wait_for_turn();
  } else {
    open_dialogue();
  }
}

void StreamProbe::wait_for_turn() {
  phase_ = Phase::turn;
  // The wait is ours, not the backend's: its clock stands still meanwhile.
  const Duration left = remaining();
  deadline_.cancel();
  surroundings_->handshakes->enter([self = shared_from_this(), left](Gate::Ticket ticket) {
    if (self->phase_ == Phase::turn) {
      self->set_deadline(left);
      self->on_turn(std::move(ticket));
    }
  });
}

void StreamProbe::on_turn(Gate::Ticket ticket) {
  phase_ = Phase::handshake;
  handshake_ticket_ = std::move(ticket);
  tls_.emplace(*plan_.tls, plan_.server_name);
  step_handshake();
  if (phase_ != Phase::closed) {
    await_readable();
  }
}

void StreamProbe::step_handshake() {
  const net::TlsSession::Progress progress = tls_->handshake();
  out_ += tls_->take_output();
  if (progress == net::TlsSession::Progress::failed) {
    flush();  // the alert tells the server why
    fail(tls_->error());
    return;
  }
  flush();
  if (progress == net::TlsSession::Progress::done && phase_ == Phase::handshake) {
    handshake_ticket_.reset();
    open_dialogue();
  }
}

void StreamProbe::open_dialogue() {
  const bool reading = phase_ == Phase::handshake;
  phase_ = Phase::dialogue;
  const std::string opening = dialogue_->opening();
  if (tls_) {
    if (tls_->write(as_bytes(opening)) != net::TlsSession::Progress::done) {
      fail(tls_->error());
      return;
    }
    out_ += tls_->take_output();
  } else {
    out_ += opening;
  }
  flush();
  if (phase_ != Phase::dialogue) {
    return;
  }
  if (const std::optional<Verdict> verdict = dialogue_->verdict_at_once()) {
    answer(*verdict);
  }
  if (!reading && phase_ != Phase::closed) {
    await_readable();
  }
}

void StreamProbe::await_readable() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
    if (!error && self->phase_ != Phase::closed) {
      self->on_readable();
    }
  });
}

void StreamProbe::on_readable() {
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    error_code error;
    const std::size_t count =
        socket_.read_some(asio::buffer(surroundings_->scratch.data(), surroundings_->scratch.size()), error);
    if (error == asio::error::would_block) {
      break;
    }
    if (error == asio::error::eof) {
      on_peer_end();
      return;
    }
    if (error) {
      fail(reason_of(phase_name(), error));
      return;
    }
    on_bytes(Bytes(surroundings_->scratch).first(count));
    if (phase_ == Phase::closed) {
      return;
    }
    if (count < surroundings_->scratch.size()) {
      break;
    }
  }
  await_readable();
}

void StreamProbe::on_bytes(Bytes bytes) {
  if (phase_ == Phase::ending) {
    drained_ += bytes.size();
    if (drained_ > kDrainMax) {
      close();
    }
    return;
  }
  if (tls_) {
    tls_->received(bytes);
    if (phase_ == Phase::handshake) {
      step_handshake();
    }
    if (phase_ == Phase::dialogue) {
      read_tls();
    }
    return;
  }
  if (const std::optional<Verdict> verdict = dialogue_->on_bytes(bytes)) {
    answer(*verdict);
  }
}

void StreamProbe::read_tls() {
  using Progress = net::TlsSession::Progress;
  std::string plain;
  const Progress progress = tls_->read(plain, 2 * surroundings_->scratch.size());
  out_ += tls_->take_output();
  if (!plain.empty()) {
    if (const std::optional<Verdict> verdict = dialogue_->on_bytes(as_bytes(plain))) {
      answer(*verdict);
      return;
    }
  }
  if (progress == Progress::ended) {
    answer(dialogue_->on_end());
    return;
  }
  if (progress == Progress::failed) {
    flush();
    fail(tls_->error());
    return;
  }
  flush();
}

void StreamProbe::on_peer_end() {
  peer_ended_ = true;
  if (phase_ == Phase::dialogue) {
    answer(dialogue_->on_end());
    return;
  }
  if (phase_ == Phase::ending) {
    end_politely();
    return;
  }
  fail(concat("closed in ", phase_name()));
}

void StreamProbe::flush() {
  while (!out_.empty() && !writing_) {
    error_code error;
    const std::size_t count = socket_.write_some(asio::buffer(out_), error);
    if (error == asio::error::would_block) {
      writing_ = true;
      socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const error_code& failure) {
        self->writing_ = false;
        if (!failure && self->phase_ != Phase::closed) {
          self->flush();
          self->after_flush();
        }
      });
      return;
    }
    if (error) {
      out_.clear();  // what it said before it went is still to be read; reading tells the rest
      return;
    }
    out_.erase(0, count);
  }
}

void StreamProbe::after_flush() {
  if (phase_ == Phase::ending && out_.empty()) {
    end_politely();
  }
}

void StreamProbe::set_deadline(Duration left) {
  deadline_.expires_after(std::max(left, Duration{0}));
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && self->phase_ != Phase::turn && self->phase_ != Phase::closed) {
      self->on_deadline();
    }
  });
}

void StreamProbe::on_deadline() {
  if (phase_ == Phase::ending) {
    close();
    return;
  }
  fail(concat("timeout after ", to_string(plan_.timeout), " in ", phase_name()));
}

void StreamProbe::answer(const Verdict& verdict) {
  phase_ = Phase::ending;
  if (tls_) {
    tls_->close();
    out_ += tls_->take_output();
    flush();
  }
  end_politely();
  if (const Done done = std::exchange(done_, nullptr)) {
    done(verdict, Evidence::counts);
  }
}

void StreamProbe::fail(std::string reason, Evidence evidence) {
  close();
  if (const Done done = std::exchange(done_, nullptr)) {
    done(unreachable(std::move(reason)), evidence);
  }
}

void StreamProbe::end_politely() {
  if (!out_.empty() && !peer_ended_) {
    return;  // comes back from after_flush()
  }
  if (!fin_sent_) {
    fin_sent_ = true;
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  if (peer_ended_) {
    close();
  }
}

void StreamProbe::close() {
  phase_ = Phase::closed;
  // The monitor keeps an ended probe until the next one begins; thousands of sessions and answers would add up.
  handshake_ticket_.reset();
  tls_.reset();
  dialogue_.reset();
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

std::string StreamProbe::phase_name() const {
  switch (phase_) {
    case Phase::connect: return "connect";
    case Phase::turn:
    case Phase::handshake: return "TLS handshake";
    case Phase::dialogue: return std::string(dialogue_->waits_for());
    case Phase::ending:
    case Phase::closed: break;
  }
  return "ending";
}

}  // namespace tandem::healthcheck
