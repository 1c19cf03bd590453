#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace tandem::app {

/// Becomes `user` for good, with its groups. Of root's powers the calling thread, and no other, keeps the binding of
/// ports below 1024 (CAP_NET_BIND_SERVICE, capabilities(7)), which a reload may need. Does nothing when already that
/// user. The error names the user and the cause.
Result<> become_user(const std::string& user);

/// Makes the directory of `socket` and gives it to `user`, as a service manager's RuntimeDirectory= would; only for
/// directories directly under /run, and only as root.
Result<> make_runtime_directory(const std::string& socket, const std::string& user);

/// Gives a file, such as a socket that root has opened, to `user`. Only as root.
Result<> give_to_user(const std::string& path, const std::string& user);

/// Raises the soft limit of file descriptors to the hard one. Returns the limit in force.
std::uint64_t raise_file_limit();

}  // namespace tandem::app
