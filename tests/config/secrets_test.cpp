#include "config/secrets.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/text.hpp"

using namespace tandem;
using namespace tandem::config;

namespace {

/// A directory of its own, gone afterwards.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tandem-secrets-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string write(const std::string& name, std::string_view text) const {
    std::string path = concat(path_, "/", name);
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Config with_key(const std::string& file) {
  Config config;
  config.vrrp.resize(1);
  config.vrrp[0].name = "front";
  config.vrrp[0].authentication = vrrp::AuthenticationOptions{};
  config.vrrp[0].authentication->keys = {{7, {}}};
  config.vrrp_secrets = {{"", {file}}};
  return config;
}

std::string error_of(Config config) {
  const Result<> loaded = load_secrets(config);
  return loaded ? std::string() : loaded.error().text;
}

}  // namespace

TEST_SUITE("config/secrets") {
  TEST_CASE("a key is taken as it is or from hex and the line feed does not count") {
    const Folder folder;
    Config plain = with_key(folder.write("plain", std::string(64, 'k') + "\n"));
    Config hex = with_key(folder.write("hex", "hex:" + std::string(62, '0') + "fF\n"));

    REQUIRE(load_secrets(plain).has_value());
    REQUIRE(load_secrets(hex).has_value());

    CHECK((plain.vrrp[0].authentication->keys[0].secret == std::vector<std::byte>(64, std::byte{'k'})));
    std::vector<std::byte> expected(32);
    expected[31] = std::byte{0xff};
    CHECK((hex.vrrp[0].authentication->keys[0].secret == expected));
  }

  TEST_CASE("a key of a wrong length or with other digits is refused and not shown") {
    const Folder folder;
    const std::string start = concat("vrrp \"front\": auth: key 7: ", folder.path(), "/k");
    const auto said = [&](std::string_view text) { return error_of(with_key(folder.write("k", text))); };

    CHECK(said("hunter2") ==
          concat(start, " holds a key of 7 bytes, wanted 32 to 64; `openssl rand -hex 32` makes one"));
    CHECK(said(std::string(65, 'x')).starts_with(concat(start, " holds a key of 65 bytes")));
    CHECK(said("hex:" + std::string(64, 'g')) ==
          concat(start, ": after \"hex:\" come pairs of hex digits and nothing else"));
    CHECK(said("hex:" + std::string(65, '0')) ==
          concat(start, ": after \"hex:\" come pairs of hex digits and nothing else"));
    CHECK(said(std::string(5000, 'x')) == concat(start, " is longer than 4096 bytes"));
    CHECK(said("").starts_with(concat(start, " holds a key of 0 bytes")));
  }

  TEST_CASE("a file that everybody may read is refused") {
    const Folder folder;
    const std::string path = folder.write("open", std::string(32, 'k'));
    std::filesystem::permissions(path, std::filesystem::perms::others_read, std::filesystem::perm_options::add);

    CHECK(error_of(with_key(path)) ==
          concat("vrrp \"front\": auth: key 7: ", path, ": everybody may read or write it; chmod 600 ", path));
  }

  TEST_CASE("a file that is missing is named with its instance and key") {
    CHECK(error_of(with_key("/nowhere/vrrp.key")) ==
          "vrrp \"front\": auth: key 7: cannot read /nowhere/vrrp.key: No such file or directory");
  }

  TEST_CASE("a password comes from its file and is filled with zeros") {
    const Folder folder;
    Config config;
    config.vrrp.resize(1);
    config.vrrp[0].name = "front";
    config.vrrp_secrets = {{folder.write("p", "1111\n"), {}}};

    REQUIRE(load_secrets(config).has_value());

    const std::byte one{'1'};
    const std::byte zero{0};
    CHECK((config.vrrp[0].password == vrrp::Password{one, one, one, one, zero, zero, zero, zero}));

    config.vrrp_secrets[0].password_file = folder.write("p", "123456789");
    CHECK(error_of(config) ==
          concat("vrrp \"front\": password_file: the password in ", folder.path(),
                 "/p has 9 bytes, and the advert has room for 8; keepalived drops the rest of its own"));
    config.vrrp_secrets[0].password_file = folder.write("p", "\n");
    CHECK(error_of(config) == concat("vrrp \"front\": password_file: the password in ", folder.path(), "/p is empty"));
  }
}
