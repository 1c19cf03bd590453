#include <map>
#include <set>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

/// Reads one backend; its place is where its table begins.
lb::BackendOptions read_backend(const Node& table, std::size_t index, const std::string& cluster,
                                const std::string& title, Problems& problems) {
  const Node* name = table.find("name");
  const bool named = name != nullptr && name->type == Node::Type::string && !name->unusable;
  const std::string subject =
      named ? concat(cluster, ": backend ", quoted(*name)) : concat(cluster, ": backend ", index + 1);
  Section section(table, table.place, schema::backend(), concat("a backend of ", title), subject, problems);
  lb::BackendOptions options;
  section.read("name", options.name);
  section.read("address", options.address);
  section.read("zone", options.zone);
  section.read("weight", options.weight);
  section.read("tier", options.tier);
  section.read("max_connections", options.max_connections);
  if (named) {
    if (const auto wrong = wrong_name(options.name)) {
      section.error(*name, concat("the name ", *wrong));
    }
  }
  return options;
}

/// Names are unique; addresses should be.
void find_duplicates(Section& section, const std::vector<lb::BackendOptions>& backends,
                     const std::vector<const Node*>& tables) {
  std::set<std::string_view> names;
  std::map<Endpoint, const Node*> addresses;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const Node* name = tables[i]->find("name");
    if (!backends[i].name.empty() && !names.insert(backends[i].name).second) {
      section.error(*name, concat("two backends are called ", quoted(*name)));
    }
    if (backends[i].address.port == 0) {
      continue;  // reported already
    }
    const auto [other, first] = addresses.emplace(backends[i].address, name);
    if (!first && name != nullptr && other->second != nullptr) {
      section.warning(*tables[i]->find("address"),
                      concat("backends ", quoted(*other->second), " and ", quoted(*name), " have the same address"));
    }
  }
}

void read_backends(Section& section, std::vector<lb::BackendOptions>& out) {
  const Node* list = section.value("backends");
  if (list == nullptr) {
    return;
  }
  if (list->type != Node::Type::array) {
    section.wrong_type("backends", *list);
    return;
  }
  if (list->elements.empty()) {
    section.error(*list, "backends is empty");
  }
  std::vector<const Node*> tables;
  for (const Node& element : list->elements) {
    if (element.type != Node::Type::table) {
      section.error(element, concat("an element of backends is ", with_article(element.type),
                                    ", wanted a table like { name = \"a\", address = \"192.0.2.1:80\" }"));
      continue;
    }
    out.push_back(read_backend(element, tables.size(), section.subject(), section.title(), section.problems()));
    tables.push_back(&element);
  }
  find_duplicates(section, out, tables);
}

}  // namespace

Item<Cluster> read_cluster(const Member& member, Problems& problems) {
  Section section(member.value, member.place, schema::cluster(), concat("[cluster.", member.key, "]"),
                  concat("cluster \"", member.key, "\""), problems);
  Item<Cluster> cluster{{}, member.place, &member.value};
  cluster.options.options.name = member.key;
  read_backends(section, cluster.options.options.backends);
  const Node* probe = section.value("probe");
  cluster.options.options.probed = probe != nullptr;
  if (probe != nullptr && probe->type != Node::Type::table) {
    section.wrong_type("probe", *probe);
  } else if (probe != nullptr) {
    cluster.options.probe = read_probe(*probe, probe->place, member.key, problems);
  }
  return cluster;
}

}  // namespace tandem::config
