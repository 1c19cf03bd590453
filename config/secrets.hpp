#pragma once

#include <string_view>

#include "base/result.hpp"
#include "config/config.hpp"

namespace tandem::config {

/// Puts what the files of `vrrp_secrets` hold into the instances' options. Called before a configuration is served, at
/// the start and at a reload; what the files hold then counts. The error names the instance, the key and the file.
Result<> load_secrets(Config& config);

/// The password of version 2: 1 to 8 bytes. The error does not show it.
Result<vrrp::Password> to_password(std::string_view text);

}  // namespace tandem::config
