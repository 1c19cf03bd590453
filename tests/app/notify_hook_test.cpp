#include "app/notify_hook.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

/// A directory with a script that appends its arguments and TANDEM_STATE to a file.
class Scene {
 public:
  Scene() {
    std::string name = (std::filesystem::temp_directory_path() / "tandem-notify-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    directory_ = name;
  }
  ~Scene() { std::filesystem::remove_all(directory_); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  Notification script(const std::string& body, const std::string& state) {
    const std::filesystem::path path = directory_ / "hook";
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    Notification out;
    out.program = path.string();
    out.arguments = {"INSTANCE", "front", state};
    out.environment = {{"TANDEM_STATE", state}, {"OUT", (directory_ / "out").string()}};
    return out;
  }
  [[nodiscard]] std::string output() const {
    std::ifstream file(directory_ / "out");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  std::filesystem::path directory_;
};

}  // namespace

TEST_SUITE("app/notify_hook") {
  TEST_CASE("programs of one key run one after the other with arguments and environment") {
    Scene scene;
    boost::asio::io_context context;
    NotifyHook hook(context, Log());

    Notification notification = scene.script("sleep 0.02; echo $1 $2 $3 $TANDEM_STATE >> $OUT", "backup");
    for (const char* state : {"backup", "active", "backup"}) {
      notification.arguments.back() = state;
      notification.environment.front().second = state;
      hook.run("front", notification);
    }
    context.run_for(5s);

    CHECK(scene.output() ==
          "INSTANCE front backup backup\nINSTANCE front active active\nINSTANCE front backup backup\n");
  }

  TEST_CASE("a program that cannot be run is logged and the next one runs") {
    Scene scene;
    std::vector<std::string> logged;
    boost::asio::io_context context;
    NotifyHook hook(context, Log([&](const LogEvent& event) { logged.emplace_back(event.event); }, LogLevel::info));
    Notification missing;
    missing.program = "/nonexistent/hook";

    hook.run("front", missing);
    hook.run("front", scene.script("echo ran >> $OUT", "active"));
    context.run_for(5s);

    CHECK(logged == std::vector<std::string>{"notify_failed"});
    CHECK(scene.output() == "ran\n");
  }

  TEST_CASE("a program that fails is logged") {
    Scene scene;
    std::vector<std::string> logged;
    boost::asio::io_context context;
    NotifyHook hook(context, Log([&](const LogEvent& event) { logged.emplace_back(event.event); }, LogLevel::info));

    hook.run("front", scene.script("exit 3", "active"));
    context.run_for(5s);

    CHECK(logged == std::vector<std::string>{"notify_ended"});
  }
}

}  // namespace tandem::app
