#include "app/demo/stage.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "net/fd.hpp"

namespace tandem::app::demo {

namespace {

constexpr std::uint8_t kDatabases = 3;
constexpr std::size_t kDirectoryMax = 60;  // a unix socket's path has 107 bytes
constexpr std::uint16_t kDataPort = 5432;
constexpr std::uint16_t kRestPort = 8008;
constexpr std::uint16_t kPeerPort = 8405;

IpAddress on_lan(std::uint8_t last) { return IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, last}); }

Error failed(const std::string& what) { return Error{concat(what, ": ", std::generic_category().message(errno))}; }

}  // namespace

Stage Stage::set() {
  Stage stage;
  stage.client = on_lan(1);
  stage.shared = on_lan(100);
  stage.write = Endpoint{stage.shared, 5000};
  stage.read = Endpoint{stage.shared, 5001};
  stage.admin = Endpoint{IpAddress(std::array<std::uint8_t, 4>{127, 0, 0, 1}), 8404};
  stage.seats = {Seat{"lb-a", on_lan(2), 150}, Seat{"lb-b", on_lan(3), 100}};
  for (std::uint8_t index = 0; index < kDatabases; ++index) {
    const IpAddress address = on_lan(static_cast<std::uint8_t>(11 + index));
    stage.databases.push_back(
        {index, concat("db-", index + 1), Endpoint{address, kDataPort}, Endpoint{address, kRestPort}});
  }
  return stage;
}

std::string Stage::config(std::size_t seat, const std::string& directory) const {
  const Seat& self = seats.at(seat);
  const Seat& other = seats.at(1 - seat);
  std::string backends;
  for (const Database& database : databases) {
    backends += concat("  { name = \"", database.name, "\", address = \"", to_string(database.data), "\" },\n");
  }
  return concat(
      "[node]\nname = \"", self.name, "\"\nworkers = 1\nshutdown_timeout = \"1s\"\n\n", "[log]\nsession_sample = 0\n\n",
      "[admin]\nlisten = \"", to_string(admin), "\"\nsocket = \"", directory, "/", self.name, ".sock\"\n\n",
      "[[vrrp]]\nname = \"front\"\ninterface = \"eth0\"\nid = 51\npriority = ", self.priority,
      "\ninterval = \"100ms\"\naddresses = [\"", to_string(shared), "/", unsigned{prefix_length}, "\"]\n\n",
      "[peer]\naddress = \"", to_string(Endpoint{other.address, kPeerPort}), "\"\nlisten = \"",
      to_string(Endpoint{self.address, kPeerPort}), "\"\nkey_file = \"", directory, "/peer.key\"\n\n",
      "[cluster.demo]\nbackends = [\n", backends, "]\n",
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
    return failed(path);
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

Result<> write_key(const std::string& file) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<std::uint8_t, 32> secret{};
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    return failed("random numbers");
  }
  std::string text;
  for (const std::uint8_t byte : secret) {
    text += digits[byte >> 4U];
    text += digits[byte & 0xfU];
  }
  text += '\n';
  const net::Fd out(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out || write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return failed(file);
  }
  return {};
}

}  // namespace tandem::app::demo
