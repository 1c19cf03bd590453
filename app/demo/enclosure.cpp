#include "app/demo/enclosure.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/text.hpp"

namespace tandem::app::demo {

namespace {

std::optional<long> read_setting(const char* file) {
  long value = 0;
  return std::ifstream(file) >> value ? std::optional(value) : std::nullopt;
}

/// 0, or the error number.
int write_file(const char* file, std::string_view text) {
  errno = 0;
  std::ofstream out(file);
  out << text << std::flush;
  if (out) {
    return 0;
  }
  return errno != 0 ? errno : EPERM;
}

/// This user becomes root in there, and nobody else exists.
int map_user(uid_t user, gid_t group) {
  if (const int error = write_file("/proc/self/setgroups", "deny"); error != 0 && error != ENOENT) {
    return error;
  }
  if (const int error = write_file("/proc/self/uid_map", concat("0 ", user, " 1")); error != 0) {
    return error;
  }
  return write_file("/proc/self/gid_map", concat("0 ", group, " 1"));
}

}  // namespace

NamespaceSettings read_namespace_settings() {
  return {read_setting("/proc/sys/kernel/unprivileged_userns_clone"),
          read_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
          read_setting("/proc/sys/user/max_user_namespaces")};
}

std::string explain_refusal(int error, const NamespaceSettings& settings) {
  std::string setting;
  if (settings.unprivileged_userns_clone == 0) {
    setting = "kernel.unprivileged_userns_clone is 0; allow them with: sudo sysctl kernel.unprivileged_userns_clone=1";
  } else if (settings.max_user_namespaces == 0) {
    setting = "user.max_user_namespaces is 0; allow them with: sudo sysctl user.max_user_namespaces=10000";
  } else if (settings.apparmor_restrict_unprivileged_userns.value_or(0) != 0) {
    setting =
        "kernel.apparmor_restrict_unprivileged_userns is 1 (Ubuntu since 23.10); allow them with: "
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0";
  } else if (error == ENOSPC) {
    setting = "a limit is reached: user.max_user_namespaces, user.max_net_namespaces or user.max_pid_namespaces";
  } else {
    setting = "maybe this is a container, whose seccomp profile forbids them";
  }
  return concat("this user may not make namespaces (", std::generic_category().message(error), "): ", setting,
                "; or run it with sudo");
}

Result<> enter_enclosure() {
  constexpr int kinds = CLONE_NEWNET | CLONE_NEWPID;
  if (unshare(kinds) == 0) {
    return {};
  }
  const uid_t user = geteuid();
  const gid_t group = getegid();
  prctl(PR_SET_DUMPABLE, 1);  // an executable with capabilities is not, and its files in /proc are then root's
  int error = unshare(CLONE_NEWUSER) == 0 ? map_user(user, group) : errno;
  if (error == 0 && unshare(kinds) != 0) {
    error = errno;
  }
  return error == 0 ? Result<>() : Error{explain_refusal(error, read_namespace_settings())};
}

}  // namespace tandem::app::demo
