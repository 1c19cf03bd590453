#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::healthcheck {

/// A complete answer.
struct HttpAnswer {
  unsigned status = 0;
  std::string body;  // after chunked decoding
};

/// Reads one HTTP/1.x answer (RFC 9112) from bytes in pieces of any size. Head at most 16 KiB, body 1 MiB. Pure.
class HttpAnswerReader {
 public:
  enum class Body { expected, none };  // none: the answer to a HEAD request

  explicit HttpAnswerReader(Body body);
  ~HttpAnswerReader();
  HttpAnswerReader(const HttpAnswerReader&) = delete;
  HttpAnswerReader& operator=(const HttpAnswerReader&) = delete;

  /// The error is a reason: "answer is not HTTP: bad version", "HTTP body larger than 1 MiB".
  [[nodiscard]] Result<> on_bytes(Bytes bytes);
  /// The peer ended the connection, which may complete the answer.
  [[nodiscard]] Result<> on_end();

  [[nodiscard]] bool has_head() const;
  /// Only with has_head().
  [[nodiscard]] unsigned status() const;
  [[nodiscard]] bool complete() const;
  /// Only when complete(), once.
  [[nodiscard]] HttpAnswer take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem::healthcheck
