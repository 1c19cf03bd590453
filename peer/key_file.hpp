#pragma once

#include <string>

#include "base/result.hpp"

namespace tandem::peer {

/// The secret of a `key_file`: the bytes that 64 to 128 hex digits stand for, else the file's bytes as they are, at
/// least 32; a newline at the end does not count. The error names the file and what is wrong with it; one that
/// everybody may read or write is refused.
Result<std::string> read_key_file(const std::string& path);

/// Refuses a file with a secret that everybody may read or write.
Result<> check_secret_file(const std::string& key, const std::string& path);

/// The secret in the content of such a file; the error is the cause alone.
Result<std::string> parse_key(std::string content);

}  // namespace tandem::peer
