// Answers of HTTP and Patroni probes: any bytes, in pieces of any size, end in the same verdict with a fit reason.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "healthcheck/outside_text.hpp"
#include "healthcheck/probe/http.hpp"
#include "healthcheck/probe/patroni.hpp"

namespace {

using tandem::as_bytes;
using tandem::check;
using tandem::healthcheck::Dialogue;
using tandem::healthcheck::HttpDialogue;
using tandem::healthcheck::HttpProbeOptions;
using tandem::healthcheck::outside_text;
using tandem::healthcheck::PatroniDialogue;
using tandem::healthcheck::Verdict;

Verdict verdict_of(Dialogue& dialogue, std::string_view answer, std::size_t piece) {
  while (!answer.empty()) {
    if (const auto verdict = dialogue.on_bytes(as_bytes(answer.substr(0, piece)))) {
      return *verdict;
    }
    answer.remove_prefix(answer.size() < piece ? answer.size() : piece);
  }
  return dialogue.on_end();
}

void compare(const Verdict& whole, const Verdict& pieces) {
  for (const Verdict* verdict : {&whole, &pieces}) {
    check(!verdict->reason.empty() && verdict->reason.size() < 1000, "every verdict has a short reason");
    check(outside_text(verdict->reason, 1000) == verdict->reason, "a reason is fit to print");
  }
  check(whole.reachable == pieces.reachable, "pieces do not matter");
  check(whole.role == pieces.role && whole.epoch == pieces.epoch, "pieces do not matter for roles");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  const std::string_view answer(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] + std::size_t{1};
  HttpProbeOptions options;
  options.expect_status = {{200, 299}, {503, 503}};
  options.expect_json = {{"/checks/db", "\"ok\""}, {"/n/0", "3"}};
  HttpDialogue http_whole(options, {});
  HttpDialogue http_pieces(options, {});
  compare(verdict_of(http_whole, answer, answer.size()), verdict_of(http_pieces, answer, piece));
  PatroniDialogue patroni_whole({});
  PatroniDialogue patroni_pieces({});
  compare(verdict_of(patroni_whole, answer, answer.size()), verdict_of(patroni_pieces, answer, piece));
  return 0;
}
