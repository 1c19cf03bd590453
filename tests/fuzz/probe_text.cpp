// What programs print and TCP servers say: any bytes end in a verdict with a fit reason.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "healthcheck/outside_text.hpp"
#include "healthcheck/probe/exec_result.hpp"
#include "healthcheck/probe/tcp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::healthcheck;
  using tandem::as_bytes;
  using tandem::check;
  if (size < 2) {
    return 0;
  }
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);

  ExecResult result;
  result.how = data[0] % 2 == 0 ? ExecResult::How::exited : ExecResult::How::signalled;
  result.code = data[1];
  result.output = text;
  const Verdict judged = judge_exec(result);
  check(judged.reachable == (data[0] % 2 == 0 && data[1] == 0), "only exit status 0 is reachable");
  check(outside_text(judged.reason, 1000) == judged.reason && judged.reason.size() < 300, "a reason is fit to print");

  const std::size_t words = std::size_t{1} + data[0] % 8;
  if (text.size() <= words) {
    return 0;
  }
  const std::string expect = text.substr(0, words);
  const std::string answer = text.substr(words);
  TcpDialogue dialogue(TcpProbeOptions{"", expect});
  std::optional<Verdict> verdict;
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  for (std::size_t at = 0; at < answer.size() && !verdict; at += piece) {
    verdict = dialogue.on_bytes(as_bytes(std::string_view(answer).substr(at, piece)));
  }
  const bool found = answer.find(expect) != std::string::npos;
  check(found == (verdict && verdict->reachable), "the words are found wherever the pieces are cut");
  const Verdict last = verdict ? *verdict : dialogue.on_end();
  check(outside_text(last.reason, 1000) == last.reason, "a reason is fit to print");
  return 0;
}
