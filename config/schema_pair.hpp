#pragma once

#include <string_view>

#include "config/schema.hpp"

namespace tandem::config::schema {

inline constexpr std::string_view kVrrpHelp = "One virtual router: addresses that one node of the pair holds.";
inline constexpr std::string_view kPeerHelp = "The link to the other node: handover in milliseconds, warm start.";

/// The tables of a pair.
extern const Table kVrrp;
extern const Table kVrrpAuth;
extern const Table kVrrpKey;
extern const Table kTrackedInterface;
extern const Table kTrackedCluster;
extern const Table kPeer;

}  // namespace tandem::config::schema
