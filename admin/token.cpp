#include "admin/token.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "admin/target.hpp"
#include "base/text.hpp"
#include "net/fd.hpp"

namespace tandem::admin {

namespace {

constexpr std::size_t kTokenMax = 4096;
constexpr std::string_view kBlanks = " \t\r\n";

Error problem(const std::string& path, std::string_view what) {
  return Error{concat("token_file \"", path, "\": ", what)};
}

}  // namespace

Result<Token> read_token_file(const std::string& path) {
  const net::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) {
    return problem(path, std::generic_category().message(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return problem(path, "not a regular file");
  }
  std::array<char, kTokenMax + 1> buffer{};
  const ssize_t length = read(file.get(), buffer.data(), buffer.size());
  if (length < 0) {
    return problem(path, std::generic_category().message(errno));
  }
  if (static_cast<std::size_t>(length) > kTokenMax) {
    return problem(path, concat("longer than ", kTokenMax, " bytes"));
  }
  const std::string_view text(buffer.data(), static_cast<std::size_t>(length));
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return problem(path, "empty");
  }
  Token token;
  token.text = text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
  if (std::any_of(token.text.begin(), token.text.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return problem(path, "the token must be one word of printable ASCII characters");
  }
  token.readable_by = (status.st_mode & S_IROTH) != 0 ? Token::Reach::everybody : Token::Reach::restricted;
  return token;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept {
  volatile unsigned difference = left.size() == right.size() ? 0U : 1U;
  for (std::size_t index = 0; index < left.size(); ++index) {
    const char other = right.empty() ? '\0' : right[index % right.size()];
    difference = difference | static_cast<unsigned>(static_cast<unsigned char>(left[index] ^ other));
  }
  return difference == 0;
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (lower_case(authorization.substr(0, scheme.size())) != scheme) {
    return std::nullopt;
  }
  authorization.remove_prefix(scheme.size());
  const auto first = authorization.find_first_not_of(' ');
  if (first == std::string_view::npos) {
    return std::nullopt;
  }
  return authorization.substr(first, authorization.find_last_not_of(' ') - first + 1);
}

}  // namespace tandem::admin
