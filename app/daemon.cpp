#include "app/daemon.hpp"

#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>

#include "admin/server.hpp"
#include "app/controller.hpp"
#include "app/log_output.hpp"
#include "app/node_control.hpp"
#include "app/pair.hpp"
#include "app/privileges.hpp"
#include "app/service_notify.hpp"
#include "app/version.hpp"
#include "app/watcher/watcher.hpp"
#include "base/text.hpp"
#include "config/diff.hpp"
#include "config/reader.hpp"
#include "config/secrets.hpp"
#include "healthcheck/check_options.hpp"
#include "lb/relay/relay_plane.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLogPatience = 1s;
constexpr auto kSameStop = 20ms;      // a second signal within this is the first one again
constexpr auto kPollInterval = 50ms;  // while waiting to be ready, and for the last session

std::uint32_t count_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof(cores), &cores) == 0 ? static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&cores)))
                                                          : 1U;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::string node_name(const config::Config& config) {
  return config.node.name.empty() ? host_name() : config.node.name;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

const healthcheck::TlsOptions* tls_of(const healthcheck::ProbeOptions& probe) {
  if (const auto* http = std::get_if<healthcheck::HttpProbeOptions>(&probe.kind)) {
    return http->tls ? &*http->tls : nullptr;
  }
  const auto* patroni = std::get_if<healthcheck::PatroniProbeOptions>(&probe.kind);
  return patroni != nullptr && patroni->tls ? &*patroni->tls : nullptr;
}

/// What `tandem check` leaves alone because it may run on another machine.
Result<> check_files(const config::Config& config) {
  for (const config::Cluster& cluster : config.clusters) {
    const healthcheck::TlsOptions* tls = cluster.probe ? tls_of(*cluster.probe) : nullptr;
    if (tls == nullptr) {
      continue;
    }
    if (const Result<void> checked = healthcheck::check_tls(*tls); !checked) {
      return Error{concat("cluster \"", cluster.options.name, "\": probe: ", checked.error().text)};
    }
  }
  return {};
}

/// Everything that runs, in the order in which it must be made and, backwards, ended.
class Daemon {
 public:
  Daemon(const RunOptions& options, const config::Config& config, const LogOutput& output, Lifeline& lifeline)
      : lifeline_(lifeline),
        log_(output.log()),
        log_level_(options.log_level),
        workers_(config.node.workers > 0 ? config.node.workers : count_cores()),
        plane_(relay_options(config), log_,
               [this](const lb::ConnectFailed& failure) { controller_.report_connect_failure(failure); }),
        controller_(context_, plane_, workers_, random_seed(), log_),
        pair_(context_, controller_, plane_, lifeline, node_name(config), log_),
        control_(
            controller_, pair_, plane_, node_status(config), config_status(options),
            [&output] { return output.dropped(); }, [this](const config::Config& next) { return take_over(next); }),
        server_(context_, control_, log_) {}

  /// Opens everything; an error says what could not be opened.
  Result<> start(const config::Config& config);
  /// Serves until told to stop.
  void run();

 private:
  [[nodiscard]] lb::relay::RelayOptions relay_options(const config::Config& config) const {
    lb::relay::RelayOptions options;
    options.workers = workers_;
    options.seed = random_seed();
    options.log_one_in = config.log.session_sample;
    return options;
  }
  [[nodiscard]] NodeStatus node_status(const config::Config& config) const;
  static ConfigStatus config_status(const RunOptions& options);

  Result<std::vector<std::string>> take_over(const config::Config& file);
  Result<> drop_to_user(const config::Config& config);
  void warn_about_file_limit(const config::Config& config) const;
  void watch_watcher();
  void wait_for_signals();
  void on_signal(int signal);
  void reload();
  void wait_until_ready();
  void feed_watchdog();
  void stop();
  void wait_for_sessions();
  [[nodiscard]] std::uint64_t sessions() const;

  Lifeline& lifeline_;
  Log log_;
  std::optional<LogLevel> log_level_;  // the command line's
  std::uint32_t workers_;
  boost::asio::io_context context_{1};
  lb::relay::RelayPlane plane_;
  Controller controller_;
  Pair pair_;
  NodeControl control_;
  admin::Server server_;

  boost::asio::signal_set signals_{context_, SIGTERM, SIGINT, SIGHUP};
  boost::asio::posix::stream_descriptor watcher_{context_};
  boost::asio::steady_timer ready_timer_{context_};
  boost::asio::steady_timer watchdog_timer_{context_};
  boost::asio::steady_timer stop_timer_{context_};
  std::chrono::steady_clock::time_point stop_began_;
  std::optional<std::chrono::steady_clock::time_point> stop_deadline_;
};

NodeStatus Daemon::node_status(const config::Config& config) const {
  NodeStatus status;
  status.name = node_name(config);
  status.started = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  status.workers = workers_;
  return status;
}

ConfigStatus Daemon::config_status(const RunOptions& options) {
  ConfigStatus status;
  status.file = options.config_file;
  status.last_reload_at = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  status.last_success_at = status.last_reload_at;
  return status;
}

Result<> Daemon::start(const config::Config& config) {
  warn_about_file_limit(config);
  if (const Result<void> checked = check_files(config); !checked) {
    return checked.error();
  }
  // First the socket: its error says that another Tandem runs, which tells more than a port in use.
  if (const Result<void> opened = server_.open(config.admin); !opened) {
    return opened.error();
  }
  plane_.start();
  Result<void> applied = controller_.apply(config);
  if (applied) {
    applied = pair_.apply(config);
  }
  if (applied && !config.node.user.empty()) {
    applied = drop_to_user(config);
  }
  if (!applied) {
    pair_.close();
    plane_.stop();  // its workers report to the controller, which goes first
    return applied.error();
  }
  signals_.add(SIGUSR1);
  signals_.add(SIGUSR2);
  wait_for_signals();
  watch_watcher();
  lifeline_.on_started();
  controller_.record_event(LogLevel::info, "started",
                           {{"version", version()},
                            {"node", control_.node_name()},
                            {"workers", workers_},
                            {"clusters", config.clusters.size()},
                            {"pools", config.pools.size()},
                            {"listeners", config.listeners.size()},
                            {"virtual_routers", config.vrrp.size()}});
  wait_until_ready();
  feed_watchdog();
  return {};
}

Result<> Daemon::drop_to_user(const config::Config& config) {
  if (!config.admin.socket.empty()) {
    if (Result<void> given = give_to_user(config.admin.socket, config.node.user); !given) {
      return given;
    }
  }
  if (Result<void> became = become_user(config.node.user); !became) {
    return became;
  }
  return pair_.keep_capabilities();
}

void Daemon::run() {
  context_.run();
  pair_.close();  // the addresses go before those who serve on them
  plane_.stop();
  server_.close();
}

void Daemon::warn_about_file_limit(const config::Config& config) const {
  const std::uint64_t limit = raise_file_limit();
  // A session has two descriptors; listeners, probes and the rest have a few hundred.
  std::uint64_t wanted = 0;
  bool unlimited = false;
  for (const lb::ListenerOptions& listener : config.listeners) {
    unlimited = unlimited || listener.max_connections == 0;
    wanted += 2 * std::uint64_t{listener.max_connections};
  }
  if (wanted > limit || (unlimited && limit < 65'536)) {
    log_.warning("file_limit", {{"limit", limit},
                                {"sessions_at_most", limit / 2},
                                {"wanted", unlimited ? std::string("unlimited") : std::to_string(wanted)},
                                {"hint", "raise LimitNOFILE= or ulimit -Hn"}});
  }
}

Result<std::vector<std::string>> Daemon::take_over(const config::Config& file) {
  const config::Config before = controller_.running();
  config::Config next = file;
  if (const Result<void> loaded = config::load_secrets(next); !loaded) {
    return loaded.error();
  }
  const config::Diff diff = config::diff(before, next);
  if (const Result<void> checked = check_files(next); !checked) {
    return checked.error();
  }
  if (const Result<void> opened = server_.open(next.admin); !opened) {
    if (next.admin != before.admin) {
      return opened.error();
    }
    // A token that only root may read was read before the node became another user.
    controller_.record_event(LogLevel::warning, "admin_unchanged", {{"reason", opened.error().text}});
  }
  // What needs a restart stays as it is, so that the next reload still says so.
  config::Config effective = next;
  effective.node.name = before.node.name;
  effective.node.workers = before.node.workers;
  effective.node.user = before.node.user;
  effective.log.format = before.log.format;
  if (const Result<void> applied = controller_.apply(effective); !applied) {
    static_cast<void>(server_.open(before.admin));  // it was open a moment ago
    return applied.error();
  }
  if (const Result<void> applied = pair_.apply(effective); !applied) {
    static_cast<void>(controller_.apply(before));  // it was in force a moment ago
    static_cast<void>(server_.open(before.admin));
    return applied.error();
  }
  plane_.log_one_in(next.log.session_sample);
  log_.set_lowest(log_level_.value_or(next.log.level));
  std::vector<std::string> lines = config::described(diff);
  if (lines.empty()) {
    lines.emplace_back("no changes");
  }
  return lines;
}

/// Nobody cleans up after us once the watcher is gone: better to leave in order.
void Daemon::watch_watcher() {
  if (lifeline_.watcher_fd() < 0) {
    return;
  }
  watcher_.assign(::dup(lifeline_.watcher_fd()));
  watcher_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error && !stop_deadline_) {
      controller_.record_event(LogLevel::error, "watcher_died",
                               {{"reason", "nobody would give the addresses away if this process died too"}});
      stop();
    }
  });
}

void Daemon::wait_for_signals() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) {
      wait_for_signals();
      on_signal(signal);
    }
  });
}

void Daemon::on_signal(int signal) {
  if (signal == SIGHUP) {
    reload();
  } else if (signal == SIGUSR1) {
    controller_.record_event(LogLevel::warning, "signal_ignored",
                             {{"signal", "SIGUSR1"}, {"reason", "it means nothing here: the log goes to stderr"}});
  } else if (signal == SIGUSR2) {
    controller_.record_event(
        LogLevel::warning, "signal_ignored",
        {{"signal", "SIGUSR2"}, {"reason", "this version cannot replace its binary while it runs"}});
  } else if (stop_deadline_ && std::chrono::steady_clock::now() - stop_began_ < kSameStop) {
    return;  // sent to the watcher and to this process alike, and passed on
  } else if (stop_deadline_) {
    controller_.record_event(LogLevel::warning, "stopping_now", {{"sessions", sessions()}});
    context_.stop();
  } else {
    stop();
  }
}

void Daemon::reload() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  service_notify(concat("RELOADING=1\nMONOTONIC_USEC=", now.tv_sec * 1'000'000 + now.tv_nsec / 1'000));
  static_cast<void>(control_.reload_now("SIGHUP"));  // it has logged what happened
  service_notify("READY=1");
}

void Daemon::wait_until_ready() {
  const admin::Readiness readiness = control_.readiness();
  if (readiness.ready) {
    controller_.record_event(LogLevel::info, "ready", {});
    service_notify("READY=1\nSTATUS=serving");
    return;
  }
  ready_timer_.expires_after(kPollInterval);
  ready_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      wait_until_ready();
    }
  });
}

void Daemon::feed_watchdog() {
  const std::optional<Duration> interval = watchdog_interval();
  if (!interval) {
    return;
  }
  if (control_.health().ready) {
    service_notify("WATCHDOG=1");
  }
  watchdog_timer_.expires_after(*interval);
  watchdog_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      feed_watchdog();
    }
  });
}

void Daemon::stop() {
  const Duration timeout = controller_.running().node.shutdown_timeout;
  stop_began_ = std::chrono::steady_clock::now();
  stop_deadline_ = stop_began_ + timeout;
  ready_timer_.cancel();
  control_.on_stopping();
  service_notify("STOPPING=1");
  controller_.record_event(LogLevel::info, "stopping", {{"sessions", sessions()}, {"at_most", to_string(timeout)}});
  pair_.shut_down([this] {
    controller_.stop_listening();  // whoever came by a virtual address was served until the peer had it
    wait_for_sessions();
  });
}

void Daemon::wait_for_sessions() {
  if (sessions() == 0 || std::chrono::steady_clock::now() >= *stop_deadline_) {
    controller_.record_event(LogLevel::info, "stopped", {{"sessions_ended", sessions()}});
    context_.stop();
    return;
  }
  stop_timer_.expires_after(kPollInterval);
  stop_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      wait_for_sessions();
    }
  });
}

std::uint64_t Daemon::sessions() const { return plane_.sessions(); }

int fail(const Error& error) {
  std::cerr << concat("tandem: ", error.text, "\n");
  return 1;
}

/// Serves; the exit status.
int serve(const RunOptions& options, const config::Config& config, LogOutput& output, Lifeline& lifeline) {
  Daemon daemon(options, config, output, lifeline);
  if (const Result<void> started = daemon.start(config); !started) {
    static_cast<void>(output.finish(kLogPatience));  // what led to it comes first
    return fail(started.error());
  }
  daemon.run();
  return 0;
}

/// In the process that serves: from the file to the last session.
int read_and_serve(const RunOptions& options, Lifeline& lifeline) {
  const config::Reading reading = config::read_file(options.config_file);
  for (const config::Problem& problem : reading.problems) {
    std::cerr << concat(config::to_string(problem, options.config_file), "\n");
  }
  if (!reading.config) {
    return 1;
  }
  config::Config config = *reading.config;
  if (const Result<void> loaded = config::load_secrets(config); !loaded) {
    return fail(loaded.error());
  }
  if (!config.node.user.empty()) {
    if (const Result<void> made = make_runtime_directory(config.admin.socket, config.node.user); !made) {
      return fail(made.error());
    }
  }
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write, not our end

  lifeline.log_as(options.log_format.value_or(config.log.format));
  LogOutput output(options.log_format.value_or(config.log.format), options.log_level.value_or(config.log.level));
  const int status = serve(options, config, output, lifeline);
  if (!output.finish(kLogPatience)) {
    std::_Exit(status);  // whoever should read stderr does not; its thread cannot be joined
  }
  return status;
}

}  // namespace

int run_daemon(const RunOptions& options) {
  if (options.watch == Watch::no) {
    Lifeline nobody;
    return read_and_serve(options, nobody);
  }
  WatcherOptions watcher;
  watcher.log_format = options.log_format.value_or(config::LogFormat::text);
  return watch(watcher, [&](Lifeline& lifeline) { return read_and_serve(options, lifeline); });
}

}  // namespace tandem::app
