#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/routers.hpp"

namespace tandem::vrrp {

class FakeNetwork;
class FakeTransport;
class FakeAddresses;

/// A host on the fake network. Its interfaces are named after the links they are on.
class FakeHost final : public Platform, public Interfaces {
 public:
  FakeHost(FakeNetwork& network, std::size_t number) : network_(network), number_(number) {}

  void set_interface(const std::string& name, const InterfaceState& state);
  /// The kernel refuses addresses from now on.
  void set_refusal(std::string text) { refusal_ = std::move(text); }
  /// Opening fails.
  void set_open_error(std::string text) { open_error_ = std::move(text); }
  /// Somebody meddles with what is on an interface.
  void put_addresses(const std::string& instance, bool held);
  [[nodiscard]] bool holds(const std::string& instance) const;
  [[nodiscard]] std::size_t opened() const { return opened_; }

  // Platform
  [[nodiscard]] Interfaces& interfaces() override { return *this; }
  Result<Port> open(const Options& options) override;
  // Interfaces
  [[nodiscard]] int fd() const override { return -1; }
  bool refresh() override { return std::exchange(changed_, false); }
  [[nodiscard]] InterfaceState find(const std::string& name) const override;

 private:
  friend class FakeNetwork;
  friend class FakeTransport;
  friend class FakeAddresses;

  FakeNetwork& network_;
  std::size_t number_;
  std::map<std::string, InterfaceState> interfaces_;
  std::map<std::string, bool> held_;  // by instance
  std::vector<FakeTransport*> transports_;
  std::string refusal_;
  std::string open_error_;
  std::size_t opened_ = 0;
  bool changed_ = false;
};

struct FakeDatagram {
  std::vector<std::byte> bytes;
  Route route;
  std::uint8_t hop_limit = 255;
};

class FakeTransport final : public Transport {
 public:
  FakeTransport(FakeHost& host, const Options& options);
  ~FakeTransport() override;
  FakeTransport(const FakeTransport&) = delete;
  FakeTransport& operator=(const FakeTransport&) = delete;

  [[nodiscard]] int fd() const override { return -1; }
  [[nodiscard]] std::optional<Datagram> receive() override;
  bool send(Bytes advert, const Route& route) override;
  [[nodiscard]] bool bequeath(Will& will, Bytes advert, const Route& route) const override;

 private:
  friend class FakeNetwork;

  FakeHost& host_;
  std::string interface_;
  std::deque<FakeDatagram> waiting_;
  FakeDatagram current_;
};

class FakeAddresses final : public Addresses {
 public:
  FakeAddresses(FakeHost& host, std::string instance) : host_(host), instance_(std::move(instance)) {}

  Result<> acquire() override;
  Result<> release() override;
  [[nodiscard]] bool complete() const override { return host_.holds(instance_); }
  [[nodiscard]] bool any() const override { return host_.holds(instance_); }
  void announce(std::uint8_t repeat) override;
  [[nodiscard]] bool bequeath(Will& will) const override;

 private:
  FakeHost& host_;
  std::string instance_;
};

/// Links between hosts, in virtual time: delay, loss, cuts of one link or of all.
class FakeNetwork {
 public:
  explicit FakeNetwork(std::uint64_t seed) : random_(seed) {}

  FakeHost& add_host();
  [[nodiscard]] FakeHost& host(std::size_t number) { return *hosts_[number]; }

  void set_delay(Duration delay_max) { delay_max_ = delay_max; }
  void set_loss(double loss) { loss_ = loss; }
  /// Cuts a link in two: one host each; heals it.
  void cut(const std::string& link) { cut_[link] = true; }
  void heal(const std::string& link) { cut_[link] = false; }

  [[nodiscard]] Instant now() const { return now_; }
  void set_now(Instant now) { now_ = now; }
  [[nodiscard]] std::optional<Instant> next_arrival() const;
  /// Puts what has arrived by now into the sockets; returns the hosts that got something.
  std::vector<std::size_t> deliver();
  /// As if somebody on the link had sent it.
  void inject(std::size_t to, const FakeDatagram& datagram);
  /// Whose announcement of an instance's addresses was seen last.
  [[nodiscard]] std::optional<std::size_t> last_announcer(const std::string& instance) const;
  /// The last adverts on the wire, as they were sent.
  [[nodiscard]] const std::vector<FakeDatagram>& sent() const { return sent_; }
  void forget_sent() { sent_.clear(); }

 private:
  friend class FakeTransport;
  friend class FakeAddresses;

  struct Flying {
    Instant at;
    std::size_t to = 0;
    std::string link;
    FakeDatagram datagram;
  };

  void send(std::size_t from, const std::string& link, Bytes advert, const Route& route);

  Random random_;
  Instant now_{std::chrono::hours(1)};
  Duration delay_max_{};
  double loss_ = 0;
  std::vector<std::unique_ptr<FakeHost>> hosts_;
  std::map<std::string, bool> cut_;
  std::vector<Flying> flying_;
  std::vector<FakeDatagram> sent_;
  std::map<std::string, std::size_t> announcers_;
};

}  // namespace tandem::vrrp
