#include "healthcheck/probe/exec_result.hpp"

#include <cstring>
#include <variant>

#include "base/text.hpp"
#include "healthcheck/outside_text.hpp"

namespace tandem::healthcheck {

namespace {

constexpr std::size_t kReasonMax = 200;  // bytes

std::string first_line(std::string_view output) {
  while (!output.empty()) {
    const std::size_t end = output.find('\n');
    std::string_view line = output.substr(0, end);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
      line.remove_suffix(1);
    }
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
      line.remove_prefix(1);
    }
    if (!line.empty()) {
      return outside_text(line, kReasonMax);
    }
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
  }
  return {};
}

/// Seconds with as many decimals as it takes: "1", "0.25".
std::string seconds(Duration duration) {
  std::string text = std::to_string(static_cast<double>(duration.count()) / 1e9);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text;
}

}  // namespace

Verdict judge_exec(const ExecResult& result) {
  Verdict verdict;
  verdict.reachable = result.how == ExecResult::How::exited && result.code == 0;
  if (result.how == ExecResult::How::signalled) {
    const char* name = sigabbrev_np(result.code);
    verdict.reason = concat("killed by ", name != nullptr ? concat("SIG", name) : concat("signal ", result.code));
  } else {
    verdict.reason = concat("exit status ", result.code);
  }
  if (const std::string line = first_line(result.output); !line.empty()) {
    verdict.reason = verdict.reachable ? line : concat(verdict.reason, ": ", line);
  }
  return verdict;
}

std::vector<std::string> exec_environment(const Target& target, const ProbeOptions& options) {
  std::vector<std::string> out{
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      concat("TANDEM_CLUSTER=", target.cluster_name),
      concat("TANDEM_BACKEND=", target.name),
      concat("TANDEM_ADDRESS=", to_string(target.address.address)),
      concat("TANDEM_PORT=", options.port.value_or(target.address.port)),
      concat("TANDEM_TIMEOUT=", seconds(options.timeout)),
  };
  const auto* exec = std::get_if<ExecProbeOptions>(&options.kind);
  if (exec == nullptr) {
    return out;
  }
  for (const auto& [name, value] : exec->environment) {
    const std::string assigned = concat(name, "=");
    std::erase_if(out, [&assigned](const std::string& known) { return known.starts_with(assigned); });
    out.push_back(assigned + value);
  }
  return out;
}

}  // namespace tandem::healthcheck
