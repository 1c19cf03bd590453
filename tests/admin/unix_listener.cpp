#include "admin/unix_listener.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <string>

#include "admin/token.hpp"
#include "tests/admin/running_server.hpp"
#include "tests/admin/wire.hpp"

namespace tandem::admin {

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

/// Sets the process' umask while it lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { umask(before_); }

 private:
  mode_t before_;
};

std::string error_of(const std::string& path) {
  const auto opened = UnixListener::open(path);
  return opened.has_value() ? "" : opened.error().text;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("admin/unix_listener") {
  TEST_CASE("the socket is for its owner and group whatever the umask") {
    const Folder folder;
    for (const mode_t mask : {0U, 022U, 077U}) {
      const Umask umask(mask);
      const auto listener = UnixListener::open(folder / "admin.sock");
      REQUIRE(listener.has_value());
      CHECK(mode_of(folder / "admin.sock") == 0660);
    }
  }

  TEST_CASE("the file goes with the listener") {
    const Folder folder;
    {
      const auto listener = UnixListener::open(folder / "admin.sock");
      REQUIRE(listener.has_value());
      CHECK(listener->in_place());
    }
    CHECK_FALSE(std::filesystem::exists(folder / "admin.sock"));
  }

  TEST_CASE("the file of a successor stays") {
    const Folder folder;
    std::optional<UnixListener> first(*UnixListener::open(folder / "admin.sock"));
    std::filesystem::remove(folder / "admin.sock");
    const auto second = UnixListener::open(folder / "admin.sock");
    REQUIRE(second.has_value());

    CHECK_FALSE(first->in_place());
    first.reset();

    CHECK(second->in_place());
  }

  TEST_CASE("what a dead process left is replaced") {
    const Folder folder;
    const std::string path = folder / "admin.sock";
    {
      auto dead = UnixListener::open(path);
      std::filesystem::rename(path, folder / "kept");
    }
    std::filesystem::rename(folder / "kept", path);
    REQUIRE(std::filesystem::is_socket(path));

    const auto listener = UnixListener::open(path);

    REQUIRE(listener.has_value());
    CHECK(listener->in_place());
  }

  TEST_CASE("a living process is not disturbed") {
    const Folder folder;
    const auto living = UnixListener::open(folder / "admin.sock");
    REQUIRE(living.has_value());

    const std::string error = error_of(folder / "admin.sock");

    CHECK(contains(error, "admin.sock\": another process answers there"));
    CHECK(living->in_place());
  }

  TEST_CASE("a file that is no socket is left alone") {
    const Folder folder;
    std::ofstream(folder / "admin.sock") << "precious";

    CHECK(contains(error_of(folder / "admin.sock"), "not a socket"));

    CHECK(std::filesystem::file_size(folder / "admin.sock") == 8);
  }

  TEST_CASE("the last missing directory is made and no more") {
    const Folder folder;

    CHECK(error_of(folder / "run/admin.sock").empty());
    CHECK(mode_of(folder / "run") == 0755);
    CHECK(contains(error_of(folder / "a/b/admin.sock"), "cannot make the directory"));
  }

  TEST_CASE("a path that is too long is named") {
    CHECK(contains(error_of("/tmp/" + std::string(120, 'x')), "longer than 107 bytes"));
  }
}

TEST_SUITE("admin/token") {
  TEST_CASE("a token is the file's one word") {
    const Folder folder;
    const std::string path = folder / "token";
    std::ofstream(path) << "  s3cret=/+\r\n";
    chmod(path.c_str(), 0640);

    const auto token = read_token_file(path);

    REQUIRE(token.has_value());
    CHECK(token->text == "s3cret=/+");
    CHECK((token->readable_by == Token::Reach::restricted));
    chmod(path.c_str(), 0644);
    CHECK((read_token_file(path)->readable_by == Token::Reach::everybody));
  }

  TEST_CASE("a token file that holds none is an error that names it") {
    const Folder folder;
    const std::string path = folder / "token";
    const auto error = [&] { return read_token_file(path).error().text; };

    CHECK(contains(error(), "token\": No such file or directory"));
    std::ofstream(path) << " \n\n";
    CHECK(contains(error(), "token\": empty"));
    std::ofstream(path) << "one\ntwo\n";
    CHECK(contains(error(), "one word"));
    std::ofstream(path) << std::string(5000, 'x');
    CHECK(contains(error(), "longer than 4096"));
    CHECK(contains(read_token_file(folder / ".").error().text, "not a regular file"));
  }

  TEST_CASE("only equal texts are equal") {
    CHECK(equal_in_constant_time("s3cret", "s3cret"));
    CHECK_FALSE(equal_in_constant_time("s3cret", "s3creT"));
    CHECK_FALSE(equal_in_constant_time("s3cre", "s3cret"));
    CHECK_FALSE(equal_in_constant_time("s3crets3cret", "s3cret"));
    CHECK_FALSE(equal_in_constant_time("", "s3cret"));
    CHECK_FALSE(equal_in_constant_time("s3cret", ""));
  }

  TEST_CASE("a world-readable token file is warned of") {
    const Folder folder;
    const std::string path = folder / "token";
    std::ofstream(path) << "s3cret\n";
    chmod(path.c_str(), 0644);
    std::vector<std::string> logged;
    const Log log([&](const LogEvent& event) { logged.emplace_back(event.event); }, LogLevel::info);
    boost::asio::io_context context;
    FakeControl control;
    Server server(context, control, log);
    AdminOptions options;
    options.socket.clear();
    options.token_file = path;

    REQUIRE(server.open(options).has_value());

    CHECK(logged == std::vector<std::string>{"admin_token_exposed"});
  }
}

}  // namespace tandem::admin
