#include "healthcheck/probe/http_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <utility>

#include "base/text.hpp"
#include "healthcheck/outside_text.hpp"

namespace tandem::healthcheck {

namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t kHeadMax = 16 * 1024;
constexpr std::uint64_t kBodyMax = 1024UL * 1024;
/// Interim answers (103 Early Hints and such) before the real one.
constexpr int kInterimMax = 8;

Error reason_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) {
    return Error{"HTTP head larger than 16 KiB"};
  }
  if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    return Error{"HTTP body larger than 1 MiB"};
  }
  if (error == http::error::end_of_stream) {
    return Error{"closed without an answer"};
  }
  if (error == http::error::partial_message) {
    return Error{"closed in the middle of the HTTP answer"};
  }
  return Error{concat("answer is not HTTP: ", error.message())};
}

}  // namespace

struct HttpAnswerReader::State {
  explicit State(Body expected) : body(expected) { renew(); }

  void renew() {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(kHeadMax);
    parser->body_limit(kBodyMax);
    parser->skip(body == Body::none);
  }

  [[nodiscard]] bool interim() const {
    return parser->get().result_int() / 100 == 1 && parser->get().result_int() != 101;
  }

  Result<> parse();

  Body body;
  std::optional<http::response_parser<http::string_body>> parser;
  std::string unread;
  bool heard = false;
  int interim_answers = 0;
};

HttpAnswerReader::HttpAnswerReader(Body body) : state_(std::make_unique<State>(body)) {}
HttpAnswerReader::~HttpAnswerReader() = default;

Result<> HttpAnswerReader::State::parse() {
  while (!unread.empty() && !parser->is_done()) {
    boost::system::error_code error;
    const std::size_t used = parser->put(boost::asio::buffer(unread), error);
    unread.erase(0, used);
    if (error == http::error::need_more) {
      // What waits to be completed is a head or a line between chunks, so it has the same bound.
      return unread.size() > kHeadMax ? Result<>(Error{"HTTP head larger than 16 KiB"}) : Result<>();
    }
    if (error) {
      return reason_of(error);
    }
    if (parser->is_done() && interim()) {
      if (++interim_answers > kInterimMax) {
        return Error{"answer is not HTTP: too many interim answers"};
      }
      renew();
      continue;
    }
    if (used == 0) {
      return {};
    }
  }
  return {};
}

Result<> HttpAnswerReader::on_bytes(Bytes bytes) {
  if (complete()) {
    return {};
  }
  state_->heard = state_->heard || !bytes.empty();
  state_->unread += as_text(bytes);
  return state_->parse();
}

Result<> HttpAnswerReader::on_end() {
  if (!state_->heard) {
    return Error{"closed without an answer"};
  }
  if (complete()) {
    return {};
  }
  if (!state_->parser->is_header_done()) {
    return Error{"closed in the middle of the HTTP head"};
  }
  boost::system::error_code error;
  state_->parser->put_eof(error);
  if (error) {
    return reason_of(error);
  }
  return {};
}

bool HttpAnswerReader::has_head() const { return state_->parser->is_header_done(); }

unsigned HttpAnswerReader::status() const { return state_->parser->get().result_int(); }

bool HttpAnswerReader::complete() const { return state_->parser->is_done(); }

HttpAnswer HttpAnswerReader::take() {
  HttpAnswer answer;
  answer.status = status();
  answer.body = std::move(state_->parser->get().body());
  return answer;
}

}  // namespace tandem::healthcheck
