#include "app/demo/interrupts.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace tandem::app::demo {

Interrupts::Interrupts() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&wanted, number);
  }
  pthread_sigmask(SIG_BLOCK, &wanted, &before_);
  fd_ = net::Fd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interrupts::~Interrupts() {
  count();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

unsigned Interrupts::count() {
  signalfd_siginfo one{};
  while (::read(fd_.get(), &one, sizeof(one)) == static_cast<ssize_t>(sizeof(one))) {
    ++count_;
  }
  return count_;
}

}  // namespace tandem::app::demo
