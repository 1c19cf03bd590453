#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "healthcheck/gate.hpp"
#include "healthcheck/probe/dialogue.hpp"
#include "healthcheck/probe/probe.hpp"
#include "net/tls.hpp"

namespace tandem::healthcheck {

/// What all probes of a monitor share.
struct Surroundings {
  explicit Surroundings(boost::asio::io_context& io) : context(io) {}

  boost::asio::io_context& context;
  std::shared_ptr<Gate> handshakes = std::make_shared<Gate>(context, 32);  // TLS handshakes at a time
  std::shared_ptr<Gate> programs = std::make_shared<Gate>(context, 16);    // exec probes at a time
  std::array<std::byte, 16UL * 1024> scratch{};                            // bytes on their way to a dialogue
};

/// Drives one Dialogue over one new TCP connection, plain or TLS, and ends it politely after an answer: close_notify,
/// FIN, then reading until the peer's FIN, so that nobody sees a reset.
class StreamProbe final : public Probe, public std::enable_shared_from_this<StreamProbe> {
 public:
  struct Plan {
    Endpoint to;
    Duration timeout{0};                               // as people are told it
    Duration elapsed{0};                               // of it, before start()
    std::shared_ptr<const net::TlsClientContext> tls;  // null: plain
    std::string server_name;                           // for TLS
  };

  StreamProbe(std::shared_ptr<Surroundings> surroundings, Plan plan, std::unique_ptr<Dialogue> dialogue);

  void start(Instant now, Done done) override;
  void cancel() override;
  /// What is left of the timeout.
  [[nodiscard]] Duration remaining() const;

 private:
  enum class Phase { connect, turn, handshake, dialogue, ending, closed };

  void on_connect(const boost::system::error_code& error);
  void wait_for_turn();
  void on_turn(Gate::Ticket ticket);
  void step_handshake();
  void open_dialogue();
  void await_readable();
  void on_readable();
  void on_bytes(Bytes bytes);
  void read_tls();
  void on_peer_end();
  void flush();
  void after_flush();
  void set_deadline(Duration left);
  void on_deadline();
  void answer(const Verdict& verdict);
  void fail(std::string reason, Evidence evidence = Evidence::counts);
  void end_politely();
  void close();
  [[nodiscard]] std::string phase_name() const;

  std::shared_ptr<Surroundings> surroundings_;
  Plan plan_;
  std::unique_ptr<Dialogue> dialogue_;
  Done done_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  std::optional<net::TlsSession> tls_;
  Gate::Ticket handshake_ticket_;
  std::string out_;  // bytes for the socket
  std::size_t drained_ = 0;
  Phase phase_ = Phase::connect;
  bool writing_ = false;     // waits until the socket takes more
  bool peer_ended_ = false;  // its FIN is in
  bool fin_sent_ = false;
};

}  // namespace tandem::healthcheck
