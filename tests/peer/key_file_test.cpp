#include "peer/key_file.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/peer/support.hpp"

namespace tandem::peer {

TEST_SUITE("peer/key_file") {
  TEST_CASE("a key in hex stands for its bytes") {
    CHECK(*parse_key(std::string(64, '0') + "\n") == std::string(32, '\0'));
    CHECK(*parse_key("4142" + std::string(64, 'f')) == "AB" + std::string(32, '\xff'));
    CHECK(*parse_key(std::string(64, 'A')) == *parse_key(std::string(64, 'a')));
    CHECK(parse_key(std::string(128, 'a'))->size() == 64);
  }

  TEST_CASE("any other key stands for itself without the newline at its end") {
    CHECK(*parse_key(std::string(32, 'x')) == std::string(32, 'x'));
    CHECK(*parse_key(std::string(40, 'x') + "\r\n") == std::string(40, 'x'));
    CHECK(*parse_key(std::string(62, 'a')) == std::string(62, 'a'));                // less than 32 bytes as hex
    CHECK(*parse_key(std::string(65, 'a')) == std::string(65, 'a'));                // half a byte too much
    CHECK(*parse_key(std::string(130, 'a')) == std::string(130, 'a'));              // more than 64 bytes as hex
    CHECK(*parse_key(std::string(31, 'x') + "\n") == std::string(31, 'x') + "\n");  // a random byte, for all we know
  }

  TEST_CASE("a short key is refused") {
    CHECK(parse_key("secret\n").error().text ==
          "holds 7 bytes, a key needs at least 32; make one with: openssl rand -hex 32");
    CHECK(parse_key("").error().text == "holds 0 bytes, a key needs at least 32; make one with: openssl rand -hex 32");
  }

  TEST_CASE("a file is named with what is wrong") {
    const Folder folder;
    const std::string good(64, 'a');
    const auto error = [](const std::string& path) {
      const auto key = read_key_file(path);
      return key ? std::string("none") : key.error().text;
    };

    const std::string open = folder.write("open.key", good, 0644);
    const std::string shared = folder.write("group.key", good, 0640);
    const std::string brief = folder.write("short.key", "abc");
    const std::string huge = folder.write("huge.key", std::string(5000, 'x'));

    CHECK(error(open) == concat("key_file \"", open, "\": everybody may read or write it; chmod 600 ", open));
    CHECK(error(shared) == "none");
    CHECK(error(brief).find(concat("key_file \"", brief, "\": holds 3 bytes")) == 0);
    CHECK(error(huge) == concat("key_file \"", huge, "\": is longer than 4096 bytes"));
    CHECK(error(folder.path("")) == concat("key_file \"", folder.path(""), "\": is not a file"));
    CHECK(error("/nonexistent") == "key_file \"/nonexistent\": No such file or directory");
    CHECK(*read_key_file(shared) == std::string(32, '\xaa'));
  }
}

}  // namespace tandem::peer
