#pragma once

#include <string_view>

#include "base/result.hpp"
#include "healthcheck/options.hpp"

namespace tandem::healthcheck {

/// Reads the files as a probe would. The error names the file and what is wrong with it.
Result<> check_tls(const TlsOptions& options);

/// A JSON pointer (RFC 6901) and a JSON text, as `expect_json` wants them; the error says what is wrong with them.
Result<> check_expect_json(std::string_view pointer, std::string_view value);

}  // namespace tandem::healthcheck
