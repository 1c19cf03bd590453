#include "app/version.hpp"

namespace tandem::app {

std::string_view version() { return TANDEM_VERSION; }
std::string_view revision() { return TANDEM_REVISION; }

}  // namespace tandem::app
