// Random bytes as a request to the admin API: every one gets a status, none gets further than it may.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "admin/dispatch.hpp"
#include "admin/request_head.hpp"
#include "admin/router.hpp"
#include "admin/server_limits.hpp"
#include "base/check.hpp"
#include "tests/admin/fake_control.hpp"

namespace {

namespace http = boost::beast::http;
using namespace tandem;
using namespace tandem::admin;

/// 0: none came.
unsigned answer(const Request& request, const Peer& peer, const Access& access, const std::string& body,
                FakeControl& control) {
  auto routed = route(request, peer, access);
  if (const auto* refused = std::get_if<Reply>(&routed)) {
    return refused->status;
  }
  Call call = std::get<Call>(std::move(routed));
  if (is_command(call.action) && !take_body(call, body).has_value()) {
    return 400;
  }
  unsigned status = 0;
  dispatch(
      call, "fuzz", control, [](metrics::Collection&) {}, [&](const Reply& reply) { status = reply.status; });
  return status;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const ServerLimits limits;
  http::request_parser<http::string_body> parser;
  parser.header_limit(limits.head_bytes_max);
  parser.body_limit(limits.body_bytes_max);
  parser.eager(true);
  boost::system::error_code error;
  boost::asio::const_buffer rest(bytes, size);
  while (!error && !parser.is_done() && rest.size() > 0) {
    const std::size_t taken = parser.put(rest, error);
    rest += taken;
    if (taken == 0) {
      break;
    }
  }
  if (error || !parser.is_header_done()) {
    return 0;
  }
  const Request request = head_of(parser.get());
  Peer far;
  far.kind = Peer::Kind::tcp;
  far.address = IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, 7});
  Peer near = far;
  near.address = IpAddress(std::array<std::uint8_t, 4>{127, 0, 0, 1});
  const Access closed{"", {"lb-a"}};
  const Access open{"t", {"lb-a"}};
  for (const Access& access : {closed, open}) {
    for (const Peer& peer : {Peer{}, near, far}) {
      FakeControl control;
      const unsigned status = answer(request, peer, access, parser.get().body(), control);
      check(status >= 200 && status < 600, "every request gets a status");
      const bool commanded = !control.orders.empty() || !control.reloaded_by.empty();
      const bool may_command =
          peer.kind == Peer::Kind::unix_socket || (!access.token.empty() && !request.authorization.empty());
      check(!commanded || may_command, "nobody commands without a token");
    }
  }
  return 0;
}
