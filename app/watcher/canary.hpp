#pragma once

#include "net/fd.hpp"

namespace tandem::app {

/// Makes the death of this process known before the kernel has closed its connections, which takes a tenth of a second
/// for some thousand of them: a thread with descriptors of its own, which are only `end`, one of a pair of sockets. It
/// says one word there, and the other end is closed as soon as the process is dying. Where the thread cannot be made
/// the other end is closed without a word. To be called while there is one thread, which then has `end` no more.
void keep_canary(net::Fd end);

}  // namespace tandem::app
