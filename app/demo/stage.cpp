#include "app/demo/stage.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/socket.hpp"

namespace tandem::app::demo {

namespace {

constexpr std::uint8_t kDatabases = 3;
constexpr int kTries = 50;
constexpr std::size_t kDirectoryMax = 60;  // a unix socket's path has 107 bytes

IpAddress loopback(std::uint8_t last) { return IpAddress(std::array<std::uint8_t, 4>{127, 0, 0, last}); }

/// A port that is free on 127.0.0.1 to 127.0.0.`addresses`; `reserved` keeps it until all are chosen.
std::optional<std::uint16_t> free_port(std::uint8_t addresses, std::vector<net::Fd>& reserved) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    std::vector<net::Fd> bound;
    std::uint16_t port = 0;
    for (std::uint8_t last = 1; last <= addresses; ++last) {
      Result<net::Fd> socket = net::bind_tcp(Endpoint{loopback(last), port}, net::SharePort::no);
      const auto local = socket ? net::local_endpoint(*socket) : std::nullopt;
      if (!local) {
        break;
      }
      port = local->port;
      bound.push_back(std::move(*socket));
    }
    if (bound.size() == addresses) {
      std::move(bound.begin(), bound.end(), std::back_inserter(reserved));
      return port;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Stage> Stage::choose() {
  std::vector<net::Fd> reserved;
  const auto write = free_port(1, reserved);
  const auto read = free_port(1, reserved);
  const auto admin = free_port(1, reserved);
  const auto data = free_port(kDatabases, reserved);
  const auto rest = free_port(kDatabases, reserved);
  if (!write || !read || !admin || !data || !rest) {
    return Error{"no free ports on 127.0.0.1 to 127.0.0.3"};
  }
  Stage stage;
  stage.write = Endpoint{loopback(1), *write};
  stage.read = Endpoint{loopback(1), *read};
  stage.admin = Endpoint{loopback(1), *admin};
  for (std::uint8_t index = 0; index < kDatabases; ++index) {
    const IpAddress address = loopback(static_cast<std::uint8_t>(index + 1));
    stage.databases.push_back({index, concat("db-", index + 1), Endpoint{address, *data}, Endpoint{address, *rest}});
  }
  return stage;
}

std::string Stage::config(const std::string& socket) const {
  std::string backends;
  for (const Database& database : databases) {
    backends += concat("  { name = \"", database.name, "\", address = \"", to_string(database.data), "\" },\n");
  }
  return concat(
      "[node]\nname = \"demo\"\nshutdown_timeout = \"1s\"\n\n", "[log]\nsession_sample = 0\n\n", "[admin]\nlisten = \"",
      to_string(admin), "\"\nsocket = \"", socket, "\"\n\n", "[cluster.demo]\nbackends = [\n", backends, "]\n",
      "[cluster.demo.probe]\ntype = \"patroni\"\nport = ", databases.front().rest.port,
      "\ninterval = \"200ms\"\nfast_interval = \"50ms\"\ntimeout = \"200ms\"\nrise = 1\nfall = 2\n\n",
      "[pool.write]\ncluster = \"demo\"\nrole = \"primary\"\nhold = \"10s\"\n\n",
      "[pool.read]\ncluster = \"demo\"\nrole = \"replica\"\nbalance = \"round_robin\"\nfallback = \"write\"\n\n",
      "[listener.write]\nbind = [\"", to_string(write), "\"]\npool = \"write\"\n\n", "[listener.read]\nbind = [\"",
      to_string(read), "\"]\npool = \"read\"\n");
}

Result<TemporaryDirectory> TemporaryDirectory::create() {
  const char* chosen = getenv("TMPDIR");
  const bool fits = chosen != nullptr && *chosen != '\0' && std::string(chosen).size() <= kDirectoryMax;
  std::string path = concat(fits ? chosen : "/tmp", "/tandem-demo-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return Error{concat(path, ": ", std::generic_category().message(errno))};
  }
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) {
    std::error_code ignored;  // a directory that cannot be removed is left behind, which harms nobody
    std::filesystem::remove_all(path_, ignored);
  }
}

}  // namespace tandem::app::demo
