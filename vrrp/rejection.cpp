#include "vrrp/rejection.hpp"

#include <array>

namespace tandem::vrrp {
namespace {

constexpr std::array<std::string_view, kRejectionCount> kRejectionNames{
    "too_short",     "hop_limit",       "own_source",         "version",           "type",
    "length",        "checksum",        "no_addresses",       "not_link_local",    "no_interval",
    "foreign_id",    "interval",        "destination",        "unknown_peer",      "auth_type",
    "auth_password", "trailer_missing", "trailer_unexpected", "trailer_malformed", "trailer_key",
    "trailer_stale", "trailer_hmac",    "trailer_replayed",
};
static_assert(static_cast<std::size_t>(Rejection::trailer_replayed) + 1 == kRejectionCount);

constexpr std::array<std::string_view, kRemarkCount> kRemarkNames{"address_list", "interval", "two_owners",
                                                                  "trailer_missing"};
static_assert(static_cast<std::size_t>(Remark::trailer_missing) + 1 == kRemarkCount);

}  // namespace

std::string_view name(Rejection rejection) { return kRejectionNames.at(static_cast<std::size_t>(rejection)); }

std::string_view name(Remark remark) { return kRemarkNames.at(static_cast<std::size_t>(remark)); }

}  // namespace tandem::vrrp
