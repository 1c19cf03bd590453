#include "peer/key_file.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <system_error>

#include "base/text.hpp"
#include "net/fd.hpp"

namespace tandem::peer {

namespace {

constexpr std::size_t kKeyBytesMin = 32;
constexpr std::size_t kHexDigitsMax = 128;
constexpr std::size_t kFileBytesMax = 4096;

Error file_error(std::string_view key, std::string_view path, std::string_view cause) {
  return Error{concat(key, " \"", path, "\": ", cause)};
}

std::string cause_of(int error) { return std::generic_category().message(error); }

/// 0 to 15; -1 for what is no hex digit.
int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  if (digit >= 'a' && digit <= 'f') {
    return digit - 'a' + 10;
  }
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool is_hex(std::string_view text) {
  return text.size() % 2 == 0 && std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0; });
}

void wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

/// An open regular file that not everybody may read or write.
Result<net::Fd> open_secret(std::string_view key, const std::string& path) {
  net::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return file_error(key, path, cause_of(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return file_error(key, path, "is not a file");
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return file_error(key, path, concat("everybody may read or write it; chmod 600 ", path));
  }
  return file;
}

}  // namespace

Result<std::string> parse_key(std::string content) {
  if (content.size() > kKeyBytesMin && content.back() == '\n') {
    content.pop_back();
    if (content.size() > kKeyBytesMin && content.back() == '\r') {
      content.pop_back();
    }
  }
  if (content.size() < kKeyBytesMin) {
    const std::size_t size = content.size();
    wipe(content);
    return Error{
        concat("holds ", size, " bytes, a key needs at least ", kKeyBytesMin, "; make one with: openssl rand -hex 32")};
  }
  if (content.size() < 2 * kKeyBytesMin || content.size() > kHexDigitsMax || !is_hex(content)) {
    return content;
  }
  std::string key(content.size() / 2, '\0');
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<char>(hex_value(content[2 * i]) << 4 | hex_value(content[2 * i + 1]));
  }
  wipe(content);
  return key;
}

Result<std::string> read_key_file(const std::string& path) {
  const auto file = open_secret("key_file", path);
  if (!file) {
    return file.error();
  }
  std::string content(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t count = ::read(file->get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return file_error("key_file", path, cause_of(errno));
    }
    if (count == 0) {
      break;
    }
    size += static_cast<std::size_t>(count);
  }
  if (size > kFileBytesMax) {
    wipe(content);
    return file_error("key_file", path, concat("is longer than ", kFileBytesMax, " bytes"));
  }
  std::string exact = content.substr(0, size);
  wipe(content);
  auto key = parse_key(std::move(exact));
  if (!key) {
    return file_error("key_file", path, key.error().text);
  }
  return key;
}

Result<> check_secret_file(const std::string& key, const std::string& path) {
  const auto file = open_secret(key, path);
  if (!file) {
    return file.error();
  }
  return {};
}

}  // namespace tandem::peer
