#pragma once

#include <stdlib.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "admin/server.hpp"
#include "tests/admin/fake_control.hpp"

namespace tandem::admin {

/// A directory of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tandem-admin-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no temporary directory");
    }
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// A server on a thread of its own, over a port of the kernel's choice and a unix socket.
class RunningServer {
 public:
  explicit RunningServer(const ServerLimits& limits = {}, const std::string& token_file = "") {
    server_.emplace(context_, control, Log(), limits);
    options.listen = Endpoint{*IpAddress::parse("127.0.0.1"), 0};
    options.socket = folder / "admin.sock";
    options.token_file = token_file;
    const auto opened = server_->open(options);
    if (!opened.has_value()) {
      throw std::runtime_error(opened.error().text);
    }
    port = server_->listening()->port;
    thread_ = std::thread([this] { context_.run(); });
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  /// Runs `work` on the server's thread and waits for it.
  template <class Work>
  auto on_thread(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto done = task.get_future();
    boost::asio::post(context_, std::move(task));
    return done.get();
  }

  ~RunningServer() {
    on_thread([this] { server_.reset(); });
    work_.reset();
    thread_.join();
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
  Server& server() { return *server_; }

  const Folder folder;
  FakeControl control;  // used on the server's thread only
  AdminOptions options;
  std::uint16_t port = 0;

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::optional<Server> server_;
  std::thread thread_;
};

}  // namespace tandem::admin
