#include "config/secrets.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::config {

namespace {

constexpr std::string_view kHex = "hex:";
constexpr std::size_t kKeyLeast = 32;
constexpr std::size_t kKeyMost = 64;
constexpr std::size_t kFileMost = 4096;

/// What a file holds that not everybody may read or write, without the line feed at its end.
Result<std::string> read_secret(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) {
    return Error{concat("cannot read ", path, ": ", std::strerror(errno))};
  }
  struct stat status {};
  if (::fstat(::fileno(file.get()), &status) != 0) {
    return Error{concat("cannot read ", path, ": ", std::strerror(errno))};
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return Error{concat(path, ": everybody may read or write it; chmod 600 ", path)};
  }
  std::string text(kFileMost + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return Error{concat("cannot read ", path, ": ", std::strerror(errno))};
  }
  if (text.size() > kFileMost) {
    return Error{concat(path, " is longer than ", kFileMost, " bytes")};
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  return text;
}

std::optional<unsigned> digit(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned>(c - '0');
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? std::optional(static_cast<unsigned>(lower - 'a') + 10) : std::nullopt;
}

Result<std::vector<std::byte>> from_hex(std::string_view text, const std::string& path) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const auto high = digit(text[i]);
    const auto low = digit(text[i + 1]);
    if (!high || !low) {
      break;
    }
    out.push_back(static_cast<std::byte>(*high << 4U | *low));
  }
  if (out.size() * 2 != text.size()) {
    return Error{concat(path, ": after \"hex:\" come pairs of hex digits and nothing else")};
  }
  return out;
}

Result<std::vector<std::byte>> read_key(const std::string& path) {
  const auto text = read_secret(path);
  if (!text) {
    return text.error();
  }
  std::vector<std::byte> key;
  if (text->starts_with(kHex)) {
    auto decoded = from_hex(std::string_view(*text).substr(kHex.size()), path);
    if (!decoded) {
      return decoded.error();
    }
    key = std::move(*decoded);
  } else {
    key.resize(text->size());
    std::memcpy(key.data(), text->data(), text->size());
  }
  if (key.size() < kKeyLeast || key.size() > kKeyMost) {
    return Error{
        concat(path, " holds a key of ", key.size(), " bytes, wanted 32 to 64; `openssl rand -hex 32` makes one")};
  }
  return key;
}

Result<> load(vrrp::Options& options, const VrrpSecretFiles& files) {
  if (!files.password_file.empty()) {
    const auto text = read_secret(files.password_file);
    if (!text) {
      return Error{concat("vrrp \"", options.name, "\": password_file: ", text.error().text)};
    }
    const auto password = to_password(*text);
    if (!password) {
      return Error{concat("vrrp \"", options.name, "\": password_file: the password in ", files.password_file, " ",
                          password.error().text)};
    }
    options.password = *password;
  }
  if (!options.authentication) {
    return {};
  }
  check(files.key_files.size() == options.authentication->keys.size(), "every key has its file");
  for (std::size_t i = 0; i < files.key_files.size(); ++i) {
    vrrp::AuthenticationKey& key = options.authentication->keys[i];
    auto secret = read_key(files.key_files[i]);
    if (!secret) {
      return Error{concat("vrrp \"", options.name, "\": auth: key ", key.id, ": ", secret.error().text)};
    }
    key.secret = std::move(*secret);
  }
  return {};
}

}  // namespace

Result<vrrp::Password> to_password(std::string_view text) {
  vrrp::Password password{};
  if (text.empty()) {
    return Error{"is empty"};
  }
  if (text.size() > password.size()) {
    return Error{
        concat("has ", text.size(), " bytes, and the advert has room for 8; keepalived drops the rest of its own")};
  }
  std::memcpy(password.data(), text.data(), text.size());
  return password;
}

Result<> load_secrets(Config& config) {
  check(config.vrrp.size() == config.vrrp_secrets.size(), "every instance has a place for its secrets");
  for (std::size_t i = 0; i < config.vrrp.size(); ++i) {
    if (const Result<> loaded = load(config.vrrp[i], config.vrrp_secrets[i]); !loaded) {
      return loaded.error();
    }
  }
  return {};
}

}  // namespace tandem::config
