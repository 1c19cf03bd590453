#include "vrrp/real_time.hpp"

#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

#include "base/text.hpp"

namespace tandem::vrrp {
namespace {

/// Above everything that is not real-time, and below 50, where the kernel's interrupt threads run: they bring the
/// adverts.
constexpr int kPriority = 20;

/// Locked memory fails every later allocation beyond RLIMIT_MEMLOCK, once the process has become an ordinary user also
/// those of a process that was root: only without a limit. Root may take it away.
bool may_lock_memory() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) {
    return true;
  }
  limit = {RLIM_INFINITY, RLIM_INFINITY};
  return setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

}  // namespace

void enter_real_time() {
  sigset_t all{};
  sigfillset(&all);
  static_cast<void>(pthread_sigmask(SIG_BLOCK, &all, nullptr));  // they are for the others
  static_cast<void>(prctl(PR_SET_NAME, "vrrp", 0, 0, 0));
  static_cast<void>(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  static_cast<void>(prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0));
  sched_param parameters{};
  parameters.sched_priority = kPriority;
  static_cast<void>(sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters));
  if (may_lock_memory()) {
    static_cast<void>(mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
  }
}

Result<> keep_network_capabilities() {
  // The C library has no wrapper for capset(2).
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  constexpr std::uint32_t kept = 1U << static_cast<unsigned>(CAP_NET_ADMIN) | 1U << static_cast<unsigned>(CAP_NET_RAW);
  std::array<__user_cap_data_struct, 2> sets{};
  sets[0].permitted = kept;
  sets[0].effective = kept;
  if (syscall(SYS_capset, &header, sets.data()) != 0) {
    return Error{concat("the vrrp thread cannot keep CAP_NET_ADMIN and CAP_NET_RAW: capset: ",
                        std::system_category().message(errno))};
  }
  return {};
}

}  // namespace tandem::vrrp
