#pragma once

#include <string>
#include <string_view>

namespace tandem::healthcheck {

/// Text that came from outside, made fit for a reason: one line, valid UTF-8, no control characters ('?' instead),
/// at most about `bytes_max` bytes with "..." where it was cut.
std::string outside_text(std::string_view text, std::size_t bytes_max = 100);

}  // namespace tandem::healthcheck
