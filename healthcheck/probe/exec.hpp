#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "healthcheck/probe/exec_result.hpp"
#include "healthcheck/probe/probe.hpp"
#include "healthcheck/probe/stream.hpp"
#include "healthcheck/target.hpp"

namespace tandem::healthcheck {

/// `type = "exec"`: runs a program in a process group of its own, without a shell, with no descriptors but its output
/// and /dev/null as input, in "/". At the timeout, and when the program has ended, all that is left of its group is
/// killed. Never blocks: the end is heard from a pidfd.
class ExecProbe final : public Probe, public std::enable_shared_from_this<ExecProbe> {
 public:
  /// `options` hold an ExecProbeOptions.
  ExecProbe(std::shared_ptr<Surroundings> surroundings, Target target, std::shared_ptr<const ProbeOptions> options);
  ~ExecProbe() override;

  void start(Instant now, Done done) override;
  void cancel() override;

 private:
  void run(Gate::Ticket ticket);
  void watch_end();
  void watch_output();
  bool read_output();
  void on_end();
  void reap(ExecResult& result);
  void kill_group() const;
  void finish(const Verdict& verdict, Evidence evidence);

  std::shared_ptr<Surroundings> surroundings_;
  Target target_;
  std::shared_ptr<const ProbeOptions> options_;
  Done done_;
  Gate::Ticket ticket_;
  boost::asio::posix::stream_descriptor output_;
  boost::asio::posix::stream_descriptor end_;  // pidfd
  boost::asio::steady_timer deadline_;
  pid_t child_ = 0;  // 0: not running, or reaped
  std::string heard_;
  bool cancelled_ = false;
};

}  // namespace tandem::healthcheck
