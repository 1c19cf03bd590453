#include <algorithm>
#include <cstddef>
#include <set>
#include <string>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/failover.hpp"
#include "config/network_text.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

using vrrp::Options;
using vrrp::Version;

constexpr Duration kInterval2 = 1s;
constexpr Duration kInterval3Max = 40'950ms;
constexpr Duration kShortInterval = 100ms;  // below it, pauses of an ordinary virtual machine move the addresses

/// What the table is called before its keys are read.
std::string subject_of(const Node& table, std::size_t index) {
  const Node* name = table.find("name");
  if (name != nullptr && name->type == Node::Type::string && !name->unusable && !name->written.empty()) {
    return concat("vrrp ", quoted(*name));
  }
  const Node* interface = table.find("interface");
  const Node* id = table.find("id");
  if (interface != nullptr && interface->type == Node::Type::string && id != nullptr &&
      id->type == Node::Type::integer) {
    return concat("vrrp on ", interface->written, " id ", id->integer);
  }
  return concat("vrrp ", index + 1);
}

std::string default_name(const Options& options) {
  const bool v6 = !options.addresses.empty() && !options.addresses.front().address.is_v4();
  std::string interface = options.interface;
  std::replace_if(
      interface.begin(), interface.end(), [](char c) { return wrong_name(concat("a", c)).has_value(); }, '-');
  return concat(interface, "-", static_cast<unsigned>(options.id), v6 ? "-v6" : "");
}

/// The rules of the kernel's dev_valid_name.
bool is_interface_name(std::string_view name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/: \t\r\n\v\f\0", 9)) == std::string_view::npos;
}

void read_interface(Section& section, std::string_view key, std::string& out) {
  section.read(key, out);
  const Node* value = section.has(key) ? section.value(key) : nullptr;
  if (value != nullptr && value->type == Node::Type::string && !is_interface_name(out)) {
    section.error(*value, concat(key, " ", quoted(*value), " is not an interface's name"));
  }
}

template <class Number>
void read_number(Section& section, std::string_view key, Number& out) {
  auto number = static_cast<std::uint32_t>(out);
  section.read(key, number);
  out = static_cast<Number>(number);
}

void read_preempt(Section& section, Options& options) {
  bool preempt = false;
  section.read("preempt", preempt);
  options.preempt = preempt ? vrrp::Preempt::yes : vrrp::Preempt::no;
  section.read("preempt_delay", options.preempt_delay);
  section.read("startup_delay", options.startup_delay);
  if (preempt && !section.has("priority")) {
    section.warning(
        "preempt", "preempt without a priority: 100 is the other node's default too, and among equals nobody preempts");
  }
  if (section.has("preempt_delay") && !preempt) {
    section.warning("preempt_delay", "preempt_delay has no effect without preempt = true");
  }
}

/// Reads the interval by the version's rules.
void read_timing(Section& section, Options& options) {
  std::uint32_t version = 3;
  section.read("version", version);
  options.version = version == 2 ? Version::v2 : Version::v3;
  options.interval = options.version == Version::v2 ? kInterval2 : options.interval;
  section.read("interval", options.interval);
  if (options.version == Version::v2) {
    if (options.interval % 1s != 0s) {
      section.error("interval", concat("interval ", to_string(options.interval),
                                       " is not in whole seconds, which version 2 counts in; version 3 can"));
    }
    return;
  }
  if (options.interval > kInterval3Max) {
    section.error("interval",
                  concat("interval ", to_string(options.interval), " exceeds the limit 40.95s of version 3"));
  } else if (options.interval % 10ms != 0s) {
    section.error("interval", concat("interval ", to_string(options.interval),
                                     " is not in steps of 10ms, which version 3 counts in"));
  } else if (options.interval < kShortInterval) {
    section.warning("interval", concat("interval ", to_string(options.interval), ": a pause of the machine of ",
                                       rounded(failover(options).silence),
                                       " moves the addresses; virtual machines that share cores pause that long"));
  }
}

/// Reads an array whose elements are strings; `each` parses and keeps one.
template <class Each>
void read_strings(Section& section, std::string_view key, std::string_view example, const Each& each) {
  const Node* list = section.value(key);
  if (list == nullptr) {
    return;
  }
  if (list->type == Node::Type::string) {
    section.error(*list, concat(key, " is a string, wanted an array: [", quoted(*list), "]"));
    return;
  }
  if (list->type != Node::Type::array) {
    section.wrong_type(key, *list);
    return;
  }
  for (const Node& element : list->elements) {
    if (element.type != Node::Type::string) {
      section.error(element, concat("an element of ", key, " is ", with_article(element.type),
                                    ", wanted a string like ", example));
    } else if (!element.unusable) {
      each(element);
    }
  }
}

void read_addresses(Section& section, Options& options) {
  std::set<IpAddress> seen;
  read_strings(section, "addresses", "\"192.0.2.100/24\"", [&](const Node& element) {
    const auto address = parse_virtual_address(element);
    if (!address) {
      section.error(element, concat("addresses: ", address.error().text));
      return;
    }
    const bool v4 = address->address.is_v4();
    if (!options.addresses.empty() && options.addresses.front().address.is_v4() != v4) {
      section.error(element, concat("addresses: ", quoted(element), " is ", v4 ? "IPv4" : "IPv6", " and the first is ",
                                    v4 ? "IPv6" : "IPv4",
                                    "; an instance has one family: write a second [[vrrp]], with the same sync_group"));
      return;
    }
    if (!seen.insert(address->address).second) {
      section.error(element, concat("addresses: ", quoted(element), " is there twice"));
      return;
    }
    if (options.addresses.empty() && !v4 && !is_link_local(address->address)) {
      section.error(element, concat("addresses: ", quoted(element),
                                    " is first, and the first IPv6 address must be link-local (RFC 9568 section ",
                                    "5.2.9); put one before it that is free on the link, like \"fe80::100/64\""));
    }
    options.addresses.push_back(*address);
  });
  const Node* list = section.has("addresses") ? section.value("addresses") : nullptr;
  if (list != nullptr && list->type == Node::Type::array && list->elements.empty()) {
    section.error(*list, "addresses is empty");
  }
  if (options.addresses.size() > 255) {
    section.error("addresses", concat("addresses has ", options.addresses.size(), ", and an advert names 255 at most"));
  }
  if (options.version == Version::v2 && !options.addresses.empty() && !options.addresses.front().address.is_v4()) {
    section.error("version", "version 2 is for IPv4; IPv6 has version 3");
  }
}

bool is_virtual(const Options& options, const IpAddress& address) {
  return std::any_of(options.addresses.begin(), options.addresses.end(),
                     [&](const vrrp::VirtualAddress& own) { return own.address == address; });
}

void read_peers(Section& section, Options& options) {
  read_strings(section, "peers", "\"192.0.2.3\"", [&](const Node& element) {
    const auto peer = parse_host(element);
    if (!peer) {
      section.error(element, concat("peers: ", peer.error().text));
      return;
    }
    if (!options.addresses.empty() && options.addresses.front().address.is_v4() != peer->is_v4()) {
      section.error(element, concat("peers: ", quoted(element), " is ", peer->is_v4() ? "IPv4" : "IPv6",
                                    " and the instance's addresses are not"));
    } else if (is_virtual(options, *peer)) {
      section.error(element, concat("peers: ", quoted(element),
                                    " is a virtual address; a peer is named by an address that always is its own"));
    } else if (std::find(options.peers.begin(), options.peers.end(), *peer) != options.peers.end()) {
      section.error(element, concat("peers: ", quoted(element), " is there twice"));
    } else {
      options.peers.push_back(*peer);
    }
  });
}

void read_witnesses(Section& section, Options& options) {
  read_strings(section, "witness", "\"192.0.2.1\"", [&](const Node& element) {
    const auto witness = parse_witness(element);
    if (!witness) {
      section.error(element, concat("witness: ", witness.error().text));
      return;
    }
    const std::vector<vrrp::Witness>& others = options.witnesses;
    if (is_virtual(options, witness->address)) {
      section.error(element, concat("witness: ", quoted(element), " is a virtual address, and so the node itself"));
    } else if (std::find(others.begin(), others.end(), *witness) != others.end()) {
      section.error(element, concat("witness: ", quoted(element), " is there twice"));
    } else {
      options.witnesses.push_back(*witness);
    }
  });
  const auto is_peer = [&](const vrrp::Witness& witness) {
    return std::find(options.peers.begin(), options.peers.end(), witness.address) != options.peers.end();
  };
  if (!options.witnesses.empty() && std::all_of(options.witnesses.begin(), options.witnesses.end(), is_peer)) {
    section.warning("witness",
                    "witness names nobody but peers: when the other node dies, this one takes itself for isolated and "
                    "lets go; name a router or a switch");
  }
}

void read_tracked_interface(Section& section, const Node& element, Options& options) {
  vrrp::TrackedInterface tracked;
  if (element.type == Node::Type::string) {
    tracked.interface = element.text;
    if (!is_interface_name(tracked.interface) && !element.unusable) {
      section.error(element, concat("track_interfaces: ", quoted(element), " is not an interface's name"));
    }
  } else if (element.type == Node::Type::table) {
    Section table(element, element.place, schema::tracked_interface(), concat("track_interfaces of ", section.title()),
                  concat(section.subject(), ": track_interfaces"), section.problems());
    read_interface(table, "name", tracked.interface);
    read_number(table, "penalty", tracked.penalty);
  } else {
    section.error(element, concat("an element of track_interfaces is ", with_article(element.type),
                                  ", wanted a name or { name = \"eth1\", penalty = 50 }"));
    return;
  }
  const bool twice =
      std::any_of(options.track_interfaces.begin(), options.track_interfaces.end(),
                  [&](const vrrp::TrackedInterface& other) { return other.interface == tracked.interface; });
  if (twice) {
    section.error(element, "track_interfaces names an interface twice");
  } else if (tracked.interface == options.interface) {
    section.warning(element, "track_interfaces names the instance's own interface, which it always needs");
  }
  options.track_interfaces.push_back(std::move(tracked));
}

void read_tracked_cluster(Section& section, const Node& element, Options& options) {
  if (element.type != Node::Type::table) {
    section.error(element, concat("an element of track_clusters is ", with_article(element.type),
                                  ", wanted a table like { name = \"orders\", penalty = 50 }"));
    return;
  }
  vrrp::TrackedCluster tracked;
  Section table(element, element.place, schema::tracked_cluster(), concat("track_clusters of ", section.title()),
                concat(section.subject(), ": track_clusters"), section.problems());
  table.read("name", tracked.cluster);
  read_number(table, "penalty", tracked.penalty);
  const bool twice = std::any_of(options.track_clusters.begin(), options.track_clusters.end(),
                                 [&](const vrrp::TrackedCluster& other) { return other.cluster == tracked.cluster; });
  if (twice) {
    section.error(element, "track_clusters names a cluster twice");
  }
  options.track_clusters.push_back(std::move(tracked));
}

/// Hands each element of an array to `read`.
template <class Read>
void read_elements(Section& section, std::string_view key, const Read& read, Options& options) {
  const Node* list = section.value(key);
  if (list == nullptr) {
    return;
  }
  if (list->type != Node::Type::array) {
    section.wrong_type(key, *list);
    return;
  }
  for (const Node& element : list->elements) {
    read(section, element, options);
  }
}

void read_tracking(Section& section, Options& options) {
  read_elements(section, "track_interfaces", read_tracked_interface, options);
  read_elements(section, "track_clusters", read_tracked_cluster, options);
  if (options.priority == vrrp::kOwner && !options.track_clusters.empty()) {
    section.warning("track_clusters", "track_clusters has no effect on priority 255, the owner's");
  }
}

void read_notify(Section& section, Options& options) {
  section.read("notify", options.notify);
  const Node* notify = section.value("notify");
  if (notify != nullptr && notify->type == Node::Type::string && !options.notify.starts_with('/')) {
    section.error(*notify, concat("notify ", quoted(*notify), " is not an absolute path"));
  }
}

}  // namespace

Item<VirtualRouter> read_vrrp(const Node& table, std::size_t index, Problems& problems) {
  Section section(table, table.place, schema::vrrp(), "[[vrrp]]", subject_of(table, index), problems);
  Item<VirtualRouter> router{{}, table.place, &table};
  Options& options = router.options.options;
  read_interface(section, "interface", options.interface);
  read_number(section, "id", options.id);
  read_number(section, "priority", options.priority);
  read_timing(section, options);
  read_preempt(section, options);
  read_addresses(section, options);
  read_peers(section, options);
  section.read<vrrp::ChecksumOption>("checksum", options.checksum,
                                     {{"auto", vrrp::ChecksumOption::automatic},
                                      {"pseudo-header", vrrp::ChecksumOption::pseudo_header},
                                      {"rfc9568", vrrp::ChecksumOption::rfc9568}});
  if (section.has("checksum") &&
      (options.version == Version::v2 || (!options.addresses.empty() && !options.addresses.front().address.is_v4()))) {
    section.warning("checksum", "checksum has no effect: only version 3 over IPv4 has two forms of it");
  }
  read_vrrp_secrets(section, router.options);
  section.read("sync_group", options.sync_group);
  bool use_vmac = false;
  section.read("use_vmac", use_vmac);
  options.virtual_mac = use_vmac ? vrrp::VirtualMac::yes : vrrp::VirtualMac::no;
  read_tracking(section, options);
  read_witnesses(section, options);
  read_notify(section, options);
  section.read("name", options.name);
  options.name = options.name.empty() ? default_name(options) : options.name;
  for (const std::string_view key : {"name", "sync_group"}) {
    const Node* value = section.value(key);
    const auto wrong =
        value != nullptr && value->type == Node::Type::string ? wrong_name(value->text) : std::optional<std::string>();
    if (wrong) {
      section.error(*value, concat(key == "name" ? "the name" : "sync_group", " ", *wrong));
    }
  }
  return router;
}

}  // namespace tandem::config
