#include "config/schema_pair.hpp"

namespace tandem::config::schema {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t ns(Duration limit) { return limit.count(); }

constexpr Key kKeyKeys[] = {
    {.name = "id",
     .type = Type::integer,
     .help = "The key's number, the same on both nodes.",
     .required = true,
     .least = 1,
     .most = 255},
    {.name = "key_file",
     .help = "A file with the key: 32 to 64 bytes, or \"hex:\" and 64 to 128 hex digits, as keepalived has it.",
     .required = true},
};

constexpr Key kAuthKeys[] = {
    {.name = "key_file",
     .help = "The key's file, when there is one key: 32 to 64 bytes, or \"hex:\" and 64 to 128 hex digits.",
     .by_default = "none; it or keys is needed"},
    {.name = "keys",
     .type = Type::tables,
     .help = "Several keys, to change one for another; each of them is accepted.",
     .by_default = "none",
     .table = &kVrrpKey},
    {.name = "key_id",
     .type = Type::integer,
     .help = "The key to sign with; of a key_file, its number.",
     .by_default = "1, or the first of keys",
     .least = 1,
     .most = 255},
    {.name = "mode",
     .type = Type::word,
     .help = "receive: send without, take both; permissive: send with, take both; enforce: send with, take with only.",
     .by_default = "enforce",
     .words = "receive permissive enforce"},
    {.name = "replay",
     .type = Type::word,
     .help =
         "What keeps an old advert from being sent again: the time of day and growing numbers, or the latter alone.",
     .by_default = "time",
     .words = "time monotonic"},
    {.name = "window",
     .type = Type::duration,
     .help = "With replay = \"time\": how far the nodes' clocks may differ; whole seconds.",
     .by_default = "three intervals, at least 5s",
     .least = ns(1s),
     .most = ns(300s)},
};

constexpr Key kTrackedInterfaceKeys[] = {
    {.name = "name", .help = "The interface.", .required = true},
    {.name = "penalty",
     .type = Type::integer,
     .help = "What its loss takes off the priority; 0: without it the node holds no address.",
     .by_default = "0",
     .most = 254},
};

constexpr Key kTrackedClusterKeys[] = {
    {.name = "name", .help = "The cluster.", .required = true},
    {.name = "penalty",
     .type = Type::integer,
     .help = "What is taken off the priority while all of its backends are down.",
     .required = true,
     .least = 1,
     .most = 254},
};

constexpr Key kVrrpKeys[] = {
    {.name = "name",
     .help = "What the instance is called in commands, logs and metrics; unique.",
     .by_default = "INTERFACE-ID, for IPv6 INTERFACE-ID-v6"},
    {.name = "interface", .help = "Where the addresses are put and the adverts are sent.", .required = true},
    {.name = "id",
     .type = Type::integer,
     .help = "The virtual router's id: the same on both nodes; unique for an interface and an address family.",
     .required = true,
     .least = 1,
     .most = 255},
    {.name = "priority",
     .type = Type::integer,
     .help = "The higher one is preferred; 255: the owner, whose own addresses they are.",
     .by_default = "100",
     .least = 1,
     .most = 255},
    {.name = "interval",
     .type = Type::duration,
     .help = "From one advert to the next. Version 3: up to 40.95s in steps of 10ms; version 2: whole seconds.",
     .by_default = "100ms; version 2: 1s",
     .least = ns(10ms),
     .most = ns(255s)},
    {.name = "version",
     .type = Type::integer,
     .help = "Of VRRP; keepalived's default for IPv4 is 2.",
     .by_default = "3",
     .least = 2,
     .most = 3},
    {.name = "preempt",
     .type = Type::boolean,
     .help = "Take the addresses from an active router of a lower priority.",
     .by_default = "false"},
    {.name = "preempt_delay",
     .type = Type::duration,
     .help = "Wait this long before preempting.",
     .by_default = "0s",
     .most = ns(1h)},
    {.name = "startup_delay",
     .type = Type::duration,
     .help = "Listen this much longer before the first election; for switch ports that come up slowly.",
     .by_default = "0s",
     .most = ns(1h)},
    {.name = "addresses",
     .type = Type::networks,
     .help = "The virtual addresses, of one family; IPv6: a link-local one first. Without a length: /32, /128.",
     .required = true},
    {.name = "peers",
     .type = Type::hosts,
     .help = "Send to these addresses instead of multicast.",
     .by_default = "none: multicast"},
    {.name = "checksum",
     .type = Type::word,
     .help = "What the checksum covers, version 3 and IPv4; auto: both are taken, each peer gets the form it sends.",
     .by_default = "auto",
     .words = "auto pseudo-header rfc9568"},
    {.name = "password",
     .help = "Version 2: the password, 8 bytes at most, in clear on the wire; from a variable: \"${NAME}\".",
     .by_default = "none"},
    {.name = "password_file", .help = "The same, from a file.", .by_default = "none"},
    {.name = "auth",
     .type = Type::table,
     .help = "Sign every advert, HMAC-SHA256 as keepalived 2.4.",
     .by_default = "none",
     .table = &kVrrpAuth},
    {.name = "sync_group",
     .help = "Instances of one group are active together or not at all.",
     .by_default = "none: on its own"},
    {.name = "use_vmac",
     .type = Type::boolean,
     .help = "Give the addresses a MAC address of their own, which moves with them.",
     .by_default = "false"},
    {.name = "track_interfaces",
     .type = Type::links,
     .help = "Other links that the node needs: \"eth1\", or { name = \"eth1\", penalty = 50 }.",
     .by_default = "none",
     .table = &kTrackedInterface},
    {.name = "track_clusters",
     .type = Type::tables,
     .help = "Clusters whose loss lowers the priority.",
     .by_default = "none",
     .table = &kTrackedCluster},
    {.name = "witness",
     .type = Type::witnesses,
     .help = "An active node must reach one of these: ICMP echo, TCP connect with a port, ARP with \"arp:\".",
     .by_default = "none"},
    {.name = "notify", .help = "The program to run on a change of state, by its absolute path.", .by_default = "none"},
};

constexpr Key kPeerKeys[] = {
    {.name = "address", .type = Type::endpoint, .help = "The other node's end.", .required = true},
    {.name = "listen", .type = Type::endpoint, .help = "This node's end.", .required = true},
    {.name = "key_file",
     .help = "A file with the key that both share: 64 to 128 hex digits, or 32 bytes and more of anything else.",
     .by_default = "none; it or certificates are needed"},
    {.name = "cert_file", .help = "This node's certificate, PEM; instead of key_file.", .by_default = "none"},
    {.name = "cert_key_file", .help = "The certificate's private key, PEM.", .by_default = "none"},
    {.name = "ca_file", .help = "The authority that signed both nodes' certificates, PEM.", .by_default = "none"},
};

}  // namespace

constinit const Table kVrrpKey{"vrrp.auth.keys", "One of several keys.", kKeyKeys};
constinit const Table kVrrpAuth{"vrrp.auth", "How adverts are signed and verified.", kAuthKeys};
constinit const Table kTrackedInterface{"vrrp.track_interfaces", "Another link that the node needs.",
                                        kTrackedInterfaceKeys};
constinit const Table kTrackedCluster{"vrrp.track_clusters", "A cluster whose loss lowers the priority.",
                                      kTrackedClusterKeys};
constinit const Table kVrrp{"vrrp", kVrrpHelp, kVrrpKeys};
constinit const Table kPeer{"peer", kPeerHelp, kPeerKeys};

}  // namespace tandem::config::schema
