#include "app/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"

namespace tandem::app {

namespace {

Error failed(const std::string& user, std::string_view step, int cause) {
  return Error{concat("cannot become user \"", user, "\": ", step, ": ", std::system_category().message(cause))};
}

/// The C library has no wrapper for capset(2); libcap would be a dependency for this one call.
int keep_only_bind_service() {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, 2> sets{};
  sets[0].permitted = 1U << CAP_NET_BIND_SERVICE;
  sets[0].effective = 1U << CAP_NET_BIND_SERVICE;
  return static_cast<int>(syscall(SYS_capset, &header, sets.data()));
}

}  // namespace

Result<> become_user(const std::string& user) {
  errno = 0;
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) {
    return Error{concat("cannot become user \"", user, "\": ",
                        errno == 0 ? std::string("there is no such user") : std::system_category().message(errno))};
  }
  if (entry->pw_uid == geteuid()) {
    return {};
  }
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
    return failed(user, "keeping capabilities", errno);
  }
  if (initgroups(user.c_str(), entry->pw_gid) != 0) {
    return failed(user, "initgroups", errno);
  }
  if (setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0) {
    return failed(user, "setresgid", errno);
  }
  if (setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) {
    return failed(user, "setresuid", errno);
  }
  if (keep_only_bind_service() != 0) {
    return failed(user, "capset", errno);
  }
  return {};
}

Result<> make_runtime_directory(const std::string& socket, const std::string& user) {
  const std::filesystem::path directory = std::filesystem::path(socket).parent_path();
  if (geteuid() != 0 || directory.parent_path() != "/run") {
    return {};
  }
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return Error{concat("cannot make the directory ", directory.string(), ": ", std::system_category().message(errno))};
  }
  const passwd* entry = user.empty() ? nullptr : getpwnam(user.c_str());
  if (entry != nullptr && chown(directory.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
    return Error{concat("cannot give the directory ", directory.string(), " to user \"", user,
                        "\": ", std::system_category().message(errno))};
  }
  return {};
}

Result<> give_to_user(const std::string& path, const std::string& user) {
  const passwd* entry = geteuid() == 0 ? getpwnam(user.c_str()) : nullptr;
  if (entry != nullptr && chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
    return Error{concat("cannot give ", path, " to user \"", user, "\": ", std::system_category().message(errno))};
  }
  return {};
}

std::uint64_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      return raised.rlim_cur;
    }
  }
  return limit.rlim_cur;
}

}  // namespace tandem::app
