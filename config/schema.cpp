#include "config/schema.hpp"

#include <algorithm>
#include <array>

#include "config/schema_pair.hpp"

namespace tandem::config::schema {

namespace {

using namespace std::chrono_literals;

/// A limit of a duration.
constexpr std::int64_t ns(Duration limit) { return limit.count(); }

constexpr std::int64_t kCountMax = 10'000'000;

constexpr Key kNodeKeys[] = {
    {.name = "name", .help = "What this node is called in logs and in the status.", .by_default = "the host's name"},
    {.name = "workers",
     .type = Type::integer,
     .help = "Threads that carry traffic; 0: one per core.",
     .by_default = "0",
     .most = 1024},
    {.name = "user",
     .help = "The user to become once the sockets are open; ports below 1024 stay possible.",
     .by_default = "stay the user who started it"},
    {.name = "drain_timeout",
     .type = Type::duration,
     .help = "How long the sessions of a listener or backend that a reload removed may go on.",
     .by_default = "5m",
     .most = ns(24h)},
    {.name = "shutdown_timeout",
     .type = Type::duration,
     .help = "How long sessions may go on after SIGTERM.",
     .by_default = "30s",
     .most = ns(24h)},
    {.name = "hang_timeout",
     .type = Type::duration,
     .help = "How long the serving process may be silent before its watcher ends it and starts it anew.",
     .by_default = "500ms",
     .least = ns(100ms),
     .most = ns(60s)},
};

constexpr Key kLogKeys[] = {
    {.name = "format",
     .type = Type::word,
     .help = "How a line of the log is written.",
     .by_default = "text",
     .words = "text json"},
    {.name = "level",
     .type = Type::word,
     .help = "The lowest level that is logged.",
     .by_default = "info",
     .words = "debug info warning error"},
    {.name = "session_sample",
     .type = Type::integer,
     .help = "Log one session in this many; 0: none.",
     .by_default = "1",
     .most = kCountMax},
};

constexpr Key kAdminKeys[] = {
    {.name = "listen",
     .type = Type::endpoint,
     .help = "Where /metrics and the HTTP API answer over TCP; \"\": nowhere.",
     .by_default = "127.0.0.1:8404"},
    {.name = "socket", .help = "The unix socket for commands; \"\": none.", .by_default = "/run/tandem/admin.sock"},
    {.name = "token_file",
     .help = "A file with the bearer token for commands over TCP; required where listen is not a loopback address.",
     .by_default = "no commands over TCP"},
};

constexpr Key kBackendKeys[] = {
    {.name = "name", .help = "What the backend is called; unique in its cluster.", .required = true},
    {.name = "address", .type = Type::endpoint, .help = "Where it takes connections.", .required = true},
    {.name = "zone", .help = "Where it stands; shown in the status.", .by_default = "none"},
    {.name = "weight",
     .type = Type::integer,
     .help = "Its share of new sessions; 0: none.",
     .by_default = "100",
     .most = 1000},
    {.name = "tier",
     .type = Type::integer,
     .help = "Lower tiers first; the next only when the one before is empty.",
     .by_default = "0",
     .most = 1000},
    {.name = "max_connections",
     .type = Type::integer,
     .help = "Its limit of sessions, in every pool; 0: none.",
     .by_default = "0",
     .most = kCountMax},
};

constexpr Key kTlsKeys[] = {
    {.name = "verify", .type = Type::boolean, .help = "Verify the certificate's chain and name.", .by_default = "true"},
    {.name = "server_name",
     .help = "The name to ask for (SNI) and to verify.",
     .by_default = "the probe's host, else the backend's address"},
    {.name = "ca_file", .help = "Certificates to trust, PEM.", .by_default = "the system's"},
    {.name = "cert_file", .help = "The client certificate, PEM; with key_file.", .by_default = "none"},
    {.name = "key_file", .help = "The client certificate's private key, PEM.", .by_default = "none"},
};

constexpr Table kTls{"cluster.NAME.probe.tls", "How a probe speaks TLS.", kTlsKeys};

constexpr Key kProbeKeys[] = {
    {.name = "type",
     .type = Type::word,
     .help = "How a backend is asked.",
     .required = true,
     .words = "tcp http patroni exec",
     .later_words = "postgres redis mysql kafka"},
    {.name = "port",
     .type = Type::integer,
     .help = "The port to probe.",
     .by_default = "the backend's own; patroni: 8008",
     .least = 1,
     .most = 65'535},
    {.name = "interval",
     .type = Type::duration,
     .help = "From one probe to the next.",
     .by_default = "1s",
     .least = ns(10ms),
     .most = ns(1h)},
    {.name = "fast_interval",
     .type = Type::duration,
     .help = "The same while the verdict is changing, and while a write pool has no primary.",
     .by_default = "250ms",
     .least = ns(10ms),
     .most = ns(1h)},
    {.name = "timeout",
     .type = Type::duration,
     .help = "For connect and answer together.",
     .by_default = "1s",
     .least = ns(1ms),
     .most = ns(1h)},
    {.name = "rise",
     .type = Type::integer,
     .help = "Successes in a row that bring a backend up.",
     .by_default = "2",
     .least = 1,
     .most = 100},
    {.name = "fall",
     .type = Type::integer,
     .help = "Failures in a row that take it down.",
     .by_default = "3",
     .least = 1,
     .most = 100},
    {.name = "send", .help = "What to send after connecting.", .by_default = "nothing", .probes = "tcp"},
    {.name = "expect", .help = "What the answer must contain.", .by_default = "anything", .probes = "tcp"},
    {.name = "method", .help = "The method of the request.", .by_default = "GET", .probes = "http"},
    {.name = "path", .help = "The path to ask for.", .by_default = "/", .probes = "http"},
    {.name = "host", .help = "The Host header.", .by_default = "the backend's address", .probes = "http"},
    {.name = "headers",
     .type = Type::text_table,
     .help = "More headers of the request.",
     .by_default = "none",
     .probes = "http"},
    {.name = "expect_status",
     .type = Type::statuses,
     .help = "The status codes that are good.",
     .by_default = "200-299",
     .probes = "http"},
    {.name = "expect_body", .help = "Text that the body must contain.", .by_default = "anything", .probes = "http"},
    {.name = "expect_json",
     .type = Type::value_table,
     .help = "JSON pointer = value, each of which the body must hold.",
     .by_default = "anything",
     .probes = "http"},
    {.name = "tls",
     .type = Type::tls,
     .help = "Probe over TLS.",
     .by_default = "false",
     .probes = "http patroni",
     .table = &kTls},
    {.name = "command",
     .type = Type::texts,
     .help = "The program, by its absolute path, and its arguments; required.",
     .probes = "exec"},
    {.name = "environment",
     .type = Type::text_table,
     .help = "More variables for the program.",
     .by_default = "none",
     .probes = "exec"},
};

constexpr Later kProbeLater[] = {
    {"user", "\"user\" is for probes of databases, which are not in this version"},
    {"password_file", "\"password_file\" is for probes of databases, which are not in this version"},
    {"database", "\"database\" is for probes of databases, which are not in this version"},
    {"sentinels", "\"sentinels\" is for probes of type redis, which is not in this version"},
    {"sentinel_name", "\"sentinel_name\" is for probes of type redis, which is not in this version"},
    {"sentinel_password_file", "\"sentinel_password_file\" is for probes of type redis, which is not in this version"},
    {"topic", "\"topic\" is for probes of type kafka, which is not in this version"},
    {"partition", "\"partition\" is for probes of type kafka, which is not in this version"},
};

constexpr Table kBackend{"cluster.NAME.backends", "One server of a cluster.", kBackendKeys};
constexpr Table kProbe{"cluster.NAME.probe", "How the backends of a cluster are probed.", kProbeKeys, kProbeLater};

constexpr Key kClusterKeys[] = {
    {.name = "backends", .type = Type::tables, .help = "Who is there.", .required = true, .table = &kBackend},
    {.name = "probe",
     .type = Type::table,
     .help = "How we know what they are.",
     .by_default = "none: every backend counts as reachable",
     .table = &kProbe},
};

constexpr Later kClusterLater[] = {
    {"discovery", "\"discovery\" is not in this version: list the backends by their addresses"},
};

constexpr Table kCluster{"cluster.NAME", "The backends that belong together.", kClusterKeys, kClusterLater};

constexpr Key kPoolKeys[] = {
    {.name = "cluster", .help = "The cluster whose backends it takes.", .required = true},
    {.name = "role",
     .type = Type::word,
     .help = "Which of them: those that say they are this now.",
     .by_default = "any",
     .words = "any primary replica"},
    {.name = "balance",
     .type = Type::word,
     .help = "How new sessions are spread.",
     .by_default = "least_connections",
     .words = "least_connections round_robin power_of_two maglev first"},
    {.name = "maglev_prefix_v4",
     .type = Type::integer,
     .help = "How many bits of an IPv4 client's address maglev goes by.",
     .by_default = "32",
     .least = 1,
     .most = 32},
    {.name = "maglev_prefix_v6",
     .type = Type::integer,
     .help = "The same of an IPv6 client's.",
     .by_default = "128",
     .least = 1,
     .most = 128},
    {.name = "max_lag",
     .type = Type::lag,
     .help = "Replicas that are further behind take no traffic; patroni tells bytes; with role = \"replica\".",
     .by_default = "no limit"},
    {.name = "fallback", .help = "The pool that takes over while this one is empty.", .by_default = "none"},
    {.name = "return_to_replicas",
     .type = Type::duration,
     .help = "Over this long, sessions on the fallback are severed once this pool is back.",
     .by_default = "they stay",
     .most = ns(24h)},
    {.name = "hold",
     .type = Type::duration,
     .help = "How long a new client waits for a backend; 0s: refuse at once.",
     .by_default = "30s with role = \"primary\", else 0s",
     .most = ns(300s)},
    {.name = "hold_max",
     .type = Type::integer,
     .help = "How many clients may wait so.",
     .by_default = "1000",
     .most = kCountMax},
    {.name = "on_conflict",
     .type = Type::word,
     .help = "Two primaries in sight: the newest takes the writes, or nobody.",
     .by_default = "newest",
     .words = "newest refuse"},
    {.name = "when_none_healthy",
     .type = Type::word,
     .help = "Every backend failed its probe: refuse, or try them all; try_all without a role only.",
     .by_default = "refuse",
     .words = "refuse try_all"},
    {.name = "sever_on_role_loss",
     .type = Type::boolean,
     .help = "End the sessions of a backend that lost the pool's role.",
     .by_default = "true with role = \"primary\", else false"},
    {.name = "sever_on_down",
     .type = Type::boolean,
     .help = "End the sessions of a backend that is down.",
     .by_default = "true with role = \"primary\", else false"},
    {.name = "max_connections",
     .type = Type::integer,
     .help = "The pool's limit of sessions; 0: none.",
     .by_default = "0",
     .most = kCountMax},
    {.name = "max_connections_per_backend",
     .type = Type::integer,
     .help = "Each backend's limit of sessions from this pool; 0: none.",
     .by_default = "0",
     .most = kCountMax},
    {.name = "queue_max",
     .type = Type::integer,
     .help = "How many clients wait when every backend is at its limit.",
     .by_default = "1000",
     .most = kCountMax},
    {.name = "queue_timeout",
     .type = Type::duration,
     .help = "How long they wait.",
     .by_default = "5s",
     .most = ns(10min)},
    {.name = "connect_timeout",
     .type = Type::duration,
     .help = "For one attempt to connect to a backend.",
     .by_default = "5s",
     .least = ns(1ms),
     .most = ns(10min)},
    {.name = "connect_attempts",
     .type = Type::integer,
     .help = "How often to try, on another backend where there is one.",
     .by_default = "3",
     .least = 1,
     .most = 10},
    {.name = "connecting_max",
     .type = Type::integer,
     .help = "Connects under way at a time when held clients are released; 0: no limit.",
     .by_default = "100",
     .most = kCountMax},
};

constexpr Later kPoolLater[] = {
    {"breaker", "\"breaker\" is not in this version: probes alone take a backend out"},
    {"slow_start", "\"slow_start\" is not in this version: a backend that is up takes its full share"},
};

constexpr Table kPool{"pool.NAME", "Which backends take this traffic, how, and what if there is none.", kPoolKeys,
                      kPoolLater};

constexpr Key kSendersKeys[] = {
    {.name = "from", .type = Type::networks, .help = "Who must send a PROXY header.", .required = true},
};

constexpr Table kSenders{"listener.NAME.accept_proxy_protocol", "Who must send a PROXY header.", kSendersKeys};

constexpr Key kListenerKeys[] = {
    {.name = "bind", .type = Type::endpoints, .help = "Where clients connect.", .required = true},
    {.name = "pool", .help = "The pool that takes them.", .required = true},
    {.name = "allow", .type = Type::networks, .help = "Who may connect.", .by_default = "everybody"},
    {.name = "deny", .type = Type::networks, .help = "Who may not; asked before allow.", .by_default = "nobody"},
    {.name = "max_connections",
     .type = Type::integer,
     .help = "The listener's limit of sessions; 0: none.",
     .by_default = "0",
     .most = kCountMax},
    {.name = "idle_timeout",
     .type = Type::duration,
     .help = "A session without data in either direction ends after this.",
     .by_default = "30m",
     .least = ns(1ms),
     .most = ns(24h * 365)},
    {.name = "half_close_timeout",
     .type = Type::duration,
     .help = "The same after one side has ended its direction; never longer than idle_timeout.",
     .by_default = "30s",
     .least = ns(1ms),
     .most = ns(24h)},
    {.name = "header_timeout",
     .type = Type::duration,
     .help = "For an unfinished PROXY header.",
     .by_default = "5s",
     .least = ns(1ms),
     .most = ns(10min)},
    {.name = "accept_proxy_protocol",
     .type = Type::senders,
     .help = "Require a PROXY header, version 1 or 2; from: only networks that may send one are let in.",
     .by_default = "false",
     .table = &kSenders},
    {.name = "send_proxy_protocol",
     .type = Type::integer,
     .help = "Send a PROXY header of this version to the backend; 0: none.",
     .by_default = "0",
     .most = 2},
    {.name = "tcp_nodelay", .type = Type::boolean, .help = "Send small packets at once.", .by_default = "true"},
    {.name = "keepalive_idle",
     .type = Type::duration,
     .help = "TCP keepalive: silence before the first probe; whole seconds.",
     .by_default = "60s",
     .least = ns(1s),
     .most = ns(32'767s)},
    {.name = "keepalive_interval",
     .type = Type::duration,
     .help = "TCP keepalive: between probes; whole seconds.",
     .by_default = "10s",
     .least = ns(1s),
     .most = ns(32'767s)},
    {.name = "keepalive_count",
     .type = Type::integer,
     .help = "TCP keepalive: probes without an answer before the connection counts as dead.",
     .by_default = "3",
     .least = 1,
     .most = 127},
    {.name = "backlog",
     .type = Type::integer,
     .help = "The queue of new connections of each worker's socket; the kernel caps it at net.core.somaxconn.",
     .by_default = "4096",
     .least = 1,
     .most = 65'535},
};

constexpr Table kNode{"node", "This machine's part.", kNodeKeys};
constexpr Table kLog{"log", "What is logged, and how; --log-format and --log-level win.", kLogKeys};
constexpr Table kAdmin{"admin", "Where people and Prometheus come in.", kAdminKeys};
constexpr Table kListener{"listener.NAME", "An address where clients connect, and the pool it feeds.", kListenerKeys};

constexpr Key kFileKeys[] = {
    {.name = "node", .type = Type::table, .help = kNode.help, .table = &kNode},
    {.name = "log", .type = Type::table, .help = kLog.help, .table = &kLog},
    {.name = "admin", .type = Type::table, .help = kAdmin.help, .table = &kAdmin},
    {.name = "vrrp", .type = Type::tables, .help = kVrrpHelp, .table = &kVrrp},
    {.name = "peer", .type = Type::table, .help = kPeerHelp, .table = &kPeer},
    {.name = "cluster", .type = Type::named_tables, .help = kCluster.help, .table = &kCluster},
    {.name = "pool", .type = Type::named_tables, .help = kPool.help, .table = &kPool},
    {.name = "listener", .type = Type::named_tables, .help = kListener.help, .table = &kListener},
};

constexpr Later kFileLater[] = {
    {"discovery", "[discovery] is not in this version: list the backends by their addresses"},
};

constexpr Table kFile{"", "The configuration of one Tandem.", kFileKeys, kFileLater};

constexpr std::array<const Table*, 17> kAll{
    &kFile, &kNode,    &kLog,     &kAdmin, &kVrrp, &kVrrpAuth, &kVrrpKey,  &kTrackedCluster, &kTrackedInterface,
    &kPeer, &kCluster, &kBackend, &kProbe, &kTls,  &kPool,     &kListener, &kSenders};

}  // namespace

const Key* Table::find(std::string_view key) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& known) { return known.name == key; });
  return found == keys.end() ? nullptr : &*found;
}

const Table& file() { return kFile; }
const Table& node() { return kNode; }
const Table& log() { return kLog; }
const Table& admin() { return kAdmin; }
const Table& cluster() { return kCluster; }
const Table& backend() { return kBackend; }
const Table& probe() { return kProbe; }
const Table& tls() { return kTls; }
const Table& pool() { return kPool; }
const Table& listener() { return kListener; }
const Table& senders() { return kSenders; }
const Table& vrrp() { return kVrrp; }
const Table& vrrp_auth() { return kVrrpAuth; }
const Table& vrrp_key() { return kVrrpKey; }
const Table& tracked_interface() { return kTrackedInterface; }
const Table& tracked_cluster() { return kTrackedCluster; }
const Table& peer() { return kPeer; }

std::span<const Table* const> all() { return kAll; }

std::string_view wanted(Type type) {
  switch (type) {
    case Type::boolean: return "true or false";
    case Type::integer: return "an integer";
    case Type::duration: return "a duration like \"500ms\" or \"2s\"";
    case Type::text:
    case Type::word: return "a string";
    case Type::endpoint: return "a string like \"192.0.2.1:80\"";
    case Type::endpoints: return "an array like [\"192.0.2.1:80\"]";
    case Type::networks: return "an array like [\"10.0.0.0/8\"]";
    case Type::hosts: return "an array like [\"192.0.2.3\"]";
    case Type::witnesses: return "an array like [\"192.0.2.1\", \"192.0.2.1:443\", \"arp:192.0.2.1\"]";
    case Type::links: return "an array like [\"eth1\"] or [{ name = \"eth1\", penalty = 50 }]";
    case Type::texts: return "an array of strings";
    case Type::text_table: return "a table of strings";
    case Type::value_table: return "a table of strings, numbers and booleans";
    case Type::lag: return "a size like \"1MB\" or a duration like \"10s\"";
    case Type::statuses: return "a status like 200, \"200-299\", or an array of them";
    case Type::senders: return "true, false or { from = [\"10.0.0.0/8\"] }";
    case Type::tls: return "true, false or a table like { verify = true }";
    case Type::table:
    case Type::named_tables: return "a table";
    case Type::tables: break;
  }
  return "an array of tables";
}

}  // namespace tandem::config::schema
