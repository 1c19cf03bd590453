#include "admin/unix_listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace tandem::admin {

namespace {

constexpr mode_t kSocketMode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;
constexpr mode_t kDirectoryMode = S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH;
constexpr int kBacklog = 64;

std::string cause(int number) { return std::generic_category().message(number); }

Error problem(const std::string& path, std::string_view what) {
  return Error{concat("admin socket \"", path, "\": ", what)};
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

net::Fd stream_socket() { return net::Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

Result<> make_directory(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) {
    return {};
  }
  const std::string directory = path.substr(0, slash);
  if (mkdir(directory.c_str(), kDirectoryMode) == 0 || errno == EEXIST) {
    return {};
  }
  return problem(path, concat("cannot make the directory \"", directory, "\": ", cause(errno),
                              "; set socket in [admin] to a path that may be written, or to \"\" for none"));
}

/// Removes what a dead process left.
Result<> clear_place(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    return {};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return problem(path, "there is a file of that name that is not a socket");
  }
  const net::Fd probe = stream_socket();
  const sockaddr_un address = address_of(path);
  if (!probe) {
    return problem(path, cause(errno));
  }
  const int connected = connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (connected == 0 || errno == EAGAIN || errno == EINPROGRESS) {
    return problem(path, "another process answers there; is Tandem running already?");
  }
  if (errno != ECONNREFUSED) {
    return errno == ENOENT ? Result<>() : problem(path, concat("cannot tell whether it is in use: ", cause(errno)));
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return problem(path, concat("a dead process left it, and it cannot be removed: ", cause(errno)));
  }
  return {};
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return problem(path, concat("longer than ", sizeof(sockaddr_un::sun_path) - 1, " bytes"));
  }
  if (const auto made = make_directory(path); !made) {
    return made.error();
  }
  if (const auto cleared = clear_place(path); !cleared) {
    return cleared.error();
  }
  net::Fd fd = stream_socket();
  const sockaddr_un address = address_of(path);
  // The file takes the socket's own mode less the umask, so it is never open to more people than it should be.
  if (!fd || fchmod(fd.get(), kSocketMode) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return problem(path, cause(errno));
  }
  UnixListener listener(std::move(fd), path);
  if (chmod(path.c_str(), kSocketMode) != 0 || listen(listener.fd_.get(), kBacklog) != 0) {
    return problem(path, cause(errno));
  }
  return listener;
}

UnixListener::UnixListener(net::Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  if (this != &other) {
    remove();
    fd_ = std::move(other.fd_);
    path_ = std::exchange(other.path_, {});
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

bool UnixListener::in_place() const {
  struct stat status {};
  return !path_.empty() && lstat(path_.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && status.st_dev == device_ &&
         status.st_ino == inode_;
}

void UnixListener::remove() noexcept {
  if (in_place()) {
    unlink(path_.c_str());
  }
}

}  // namespace tandem::admin
