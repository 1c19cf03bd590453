#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hpp"
#include "net/fd.hpp"

namespace tandem::admin {

/// A listening unix socket and its file, which is removed with it, unless somebody else's is there by then.
class UnixListener {
 public:
  /// Makes the socket's file with mode 0660 and, where it is missing, the directory it is in. A dead process' file is
  /// replaced; a living one's is an error, as are paths that are too long, not a socket, or not allowed.
  static Result<UnixListener> open(const std::string& path);

  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&& other) noexcept;
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;
  ~UnixListener() { remove(); }

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Is the file still there, and still ours?
  [[nodiscard]] bool in_place() const;
  /// Hands out the socket; the file stays ours.
  [[nodiscard]] int release() noexcept { return fd_.release(); }

 private:
  UnixListener(net::Fd fd, std::string path);
  void remove() noexcept;

  net::Fd fd_;
  std::string path_;  // empty: nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace tandem::admin
