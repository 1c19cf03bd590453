#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace tandem {

void check_failed(std::string_view rule, std::string_view file, unsigned line) noexcept {
  std::fprintf(stderr, "%.*s:%u: broken rule: %.*s\n", static_cast<int>(file.size()), file.data(), line,
               static_cast<int>(rule.size()), rule.data());
  std::abort();
}

}  // namespace tandem
