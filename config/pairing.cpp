#include "config/pairing.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "config/diff.hpp"
#include "config/network_text.hpp"

namespace tandem::config {

namespace {

using vrrp::Options;

bool is_v4(const Options& router) { return router.addresses.empty() || router.addresses.front().address.is_v4(); }

/// The other node's side of a virtual router: by name, else by id and family.
const Options* counterpart(const Options& router, const std::vector<Options>& others) {
  const auto found = [&](const auto& matches) {
    const auto at = std::find_if(others.begin(), others.end(), matches);
    return at == others.end() ? nullptr : &*at;
  };
  const Options* named = found([&](const Options& other) { return other.name == router.name; });
  return named != nullptr
             ? named
             : found([&](const Options& other) { return other.id == router.id && is_v4(other) == is_v4(router); });
}

std::set<IpAddress> addresses_of(const Options& router) {
  std::set<IpAddress> out;
  for (const vrrp::VirtualAddress& address : router.addresses) {
    out.insert(address.address);
  }
  return out;
}

/// The sentences about one virtual router.
class Comparison {
 public:
  Comparison(const Options& here, const Options& there, std::vector<std::string>& out)
      : here_(here), there_(there), out_(out) {}

  void run() {
    compare_priorities();
    compare_wire();
    compare_secrets();
    if (addresses_of(here_) != addresses_of(there_)) {
      say("the addresses differ, so each node takes other ones");
    }
  }

 private:
  void say(std::string_view what) { out_.push_back(concat("vrrp \"", here_.name, "\": ", what)); }

  void compare_priorities() {
    if (here_.priority != there_.priority) {
      return;
    }
    const auto priority = static_cast<unsigned>(here_.priority);
    const bool preempts = here_.preempt == vrrp::Preempt::yes || there_.preempt == vrrp::Preempt::yes;
    if (here_.priority == vrrp::kOwner) {
      say("both nodes say priority 255, and only one can own the addresses");
    } else if (preempts) {
      say(concat("both nodes have priority ", priority, ", and among equals nobody preempts; give one a higher one"));
    } else {
      say(concat("both nodes have priority ", priority,
                 ", so the higher address decides between them; give one a higher one"));
    }
  }

  void compare_wire() {
    if (here_.id != there_.id) {
      say(concat("id ", static_cast<unsigned>(here_.id), " here and ", static_cast<unsigned>(there_.id),
                 " there: they do not hear each other, and both become active"));
    }
    if (here_.version != there_.version) {
      say("the versions differ: they drop each other's adverts, and both become active");
    } else if (here_.interval != there_.interval) {
      say(concat("interval ", to_string(here_.interval), " here and ", to_string(there_.interval), " there",
                 here_.version == vrrp::Version::v2
                     ? ": with version 2 they drop each other's adverts, and both become active"
                     : ": a failover takes as long as the active one's says"));
    }
    if (here_.peers.empty() != there_.peers.empty()) {
      say("one node has peers and the other one multicast: they do not hear each other, and both become active");
    }
    if (here_.virtual_mac != there_.virtual_mac) {
      say("use_vmac differs");
    }
  }

  void compare_secrets() {
    if (here_.authentication.has_value() != there_.authentication.has_value()) {
      say("one node has auth and the other one does not");
    }
    const auto key = [](const Options& router) {
      return router.authentication ? std::optional(router.authentication->key_id) : std::nullopt;
    };
    const auto knows = [](const Options& router, std::optional<std::uint8_t> id) {
      return !id || !router.authentication ||
             std::any_of(router.authentication->keys.begin(), router.authentication->keys.end(),
                         [&](const vrrp::AuthenticationKey& known) { return known.id == *id; });
    };
    if (!knows(here_, key(there_)) || !knows(there_, key(here_))) {
      say("one node signs with a key_id that the other one does not have");
    }
  }

  const Options& here_;
  const Options& there_;
  std::vector<std::string>& out_;
};

void compare_links(const Config& here, const Config& there, std::vector<std::string>& out) {
  if (here.peer.has_value() != there.peer.has_value()) {
    out.emplace_back("[peer] is in one of the files only");
  }
  if (!here.peer || !there.peer) {
    return;
  }
  const auto meets = [](const Endpoint& address, const Endpoint& listen) {
    return address.port == listen.port && (address.address == listen.address || listen.address.is_unspecified());
  };
  if (!meets(here.peer->address, there.peer->listen) || !meets(there.peer->address, here.peer->listen)) {
    out.emplace_back("[peer]: the address of one node is not where the other one listens");
  }
  if (here.peer->certificates.has_value() != there.peer->certificates.has_value()) {
    out.emplace_back("[peer]: one node has a key and the other one certificates");
  }
}

/// Both nodes serve the same.
void compare_service(const Config& here, const Config& there, std::vector<std::string>& out) {
  const Diff difference = diff(here, there);
  Diff service;
  service.clusters = difference.clusters;
  service.backends = difference.backends;
  service.probes = difference.probes;
  service.pools = difference.pools;
  service.listeners = difference.listeners;
  for (const std::string& line : described(service)) {
    out.push_back(concat("the nodes do not serve the same; from here to there, ", line));
  }
}

}  // namespace

std::vector<std::string> mismatches(const Config& here, const Config& there) {
  std::vector<std::string> out;
  if (here.node.name == there.node.name && !here.node.name.empty()) {
    out.push_back(concat("both nodes are called \"", here.node.name, "\""));
  }
  for (const Options& router : here.vrrp) {
    if (const Options* other = counterpart(router, there.vrrp)) {
      Comparison(router, *other, out).run();
    } else {
      out.push_back(concat("vrrp \"", router.name, "\" is not in the other file"));
    }
  }
  for (const Options& router : there.vrrp) {
    if (counterpart(router, here.vrrp) == nullptr) {
      out.push_back(concat("vrrp \"", router.name, "\" is in the other file only"));
    }
  }
  compare_links(here, there, out);
  compare_service(here, there, out);
  return out;
}

void compare_with_peer(Reading& reading, const Reading& other, std::string_view file) {
  if (!reading.config) {
    return;
  }
  std::vector<std::string> lines;
  if (other.config) {
    lines = mismatches(*reading.config, *other.config);
  } else {
    lines.emplace_back("it has errors of its own; check it first");
  }
  for (const std::string& line : lines) {
    reading.problems.push_back({Problem::Severity::warning, 0, 0, concat("with ", file, ": ", line)});
  }
}

}  // namespace tandem::config
