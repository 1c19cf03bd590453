#include "config/reader.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/expansion.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

constexpr std::array<std::uint8_t, 4> kLoopback{127, 0, 0, 1};
constexpr std::string_view kNoListener = "there is no [listener.NAME], and without one there is nothing to do";
constexpr std::uint16_t kAdminPort = 8404;

/// A `[table]` of the file; an empty one where it is missing, so that defaults and required keys are handled alike.
struct Found {
  const Node* node;
  Place place;
};

class FileReader {
 public:
  FileReader(const Node& root, Problems& problems)
      : problems_(problems), section_(root, {}, schema::file(), "", "", problems) {}

  Draft run() {
    draft_.admin.listen = Endpoint{IpAddress(kLoopback), kAdminPort};
    const Found node = table("node");
    draft_.node = read_node(*node.node, node.place, problems_);
    const Found log = table("log");
    draft_.log = read_log(*log.node, log.place, problems_);
    const Found admin = table("admin");
    read_admin(*admin.node, admin.place, draft_, problems_);
    each("cluster", [&](const Member& member) { draft_.clusters.push_back(read_cluster(member, problems_)); });
    each("pool", [&](const Member& member) { draft_.pools.push_back(read_pool(member, problems_)); });
    if (!section_.has("listener")) {
      problems_.error({}, kNoListener);
    }
    each("listener", [&](const Member& member) { draft_.listeners.push_back(read_listener(member, problems_)); });
    read_routers();
    if (const Found peer = table("peer"); peer.place != Place{}) {
      draft_.peer = read_peer(*peer.node, peer.place, problems_);
    }
    return std::move(draft_);
  }

 private:
  Found table(std::string_view name) {
    static const Node none{};
    const Node* found = section_.value(name);
    if (found == nullptr) {
      return {&none, {}};
    }
    if (found->type != Node::Type::table) {
      problems_.error(found->place, concat("[", name, "] is ", with_article(found->type), ", wanted one table"));
      return {&none, {}};
    }
    return {found, found->place};
  }

  void read_routers() {
    const Node* found = section_.value("vrrp");
    if (found == nullptr) {
      return;
    }
    if (found->type != Node::Type::array) {
      problems_.error(found->place, concat("[vrrp] is ", with_article(found->type),
                                           ", wanted an array of tables: write [[vrrp]], in two pairs of brackets"));
      return;
    }
    for (const Node& element : found->elements) {
      if (element.type == Node::Type::table) {
        draft_.routers.push_back(read_vrrp(element, draft_.routers.size(), problems_));
      } else {
        problems_.error(element.place,
                        concat("an element of vrrp is ", with_article(element.type), ", wanted a table [[vrrp]]"));
      }
    }
  }

  /// Hands each [name.X] to `read`.
  template <class Read>
  void each(std::string_view name, const Read& read) {
    const Node* found = section_.value(name);
    if (found == nullptr) {
      return;
    }
    if (found->type != Node::Type::table) {
      problems_.error(found->place, concat("[", name, "] is ", with_article(found->type), ", wanted tables [", name,
                                           ".NAME], each with a name of yours"));
      return;
    }
    if (found->members.empty() && name == "listener") {
      problems_.error(found->place, kNoListener);
    }
    for (const Member& member : found->members) {
      if (member.value.type != Node::Type::table) {
        problems_.error(member.place, concat("\"", member.key, "\" in [", name, "] is ",
                                             with_article(member.value.type), ", wanted a table [", name, ".NAME]"));
        continue;
      }
      if (const auto wrong = wrong_name(member.key)) {
        problems_.error(member.place, concat("the name of [", name, ".\"", member.key, "\"] ", *wrong));
      }
      read(member);
    }
  }

  Problems& problems_;
  Section section_;
  Draft draft_;
};

template <class Options>
std::vector<Options> options_of(std::vector<Item<Options>>&& items) {
  std::vector<Options> out;
  out.reserve(items.size());
  for (Item<Options>& item : items) {
    out.push_back(std::move(item.options));
  }
  return out;
}

Config config_of(Draft&& draft) {
  Config config;
  config.node = std::move(draft.node);
  config.log = draft.log;
  config.admin = std::move(draft.admin);
  config.clusters = options_of(std::move(draft.clusters));
  config.pools = options_of(std::move(draft.pools));
  config.listeners = options_of(std::move(draft.listeners));
  for (Item<VirtualRouter>& router : draft.routers) {
    config.vrrp.push_back(std::move(router.options.options));
    config.vrrp_secrets.push_back(std::move(router.options.secrets));
  }
  if (draft.peer) {
    config.peer = std::move(draft.peer->options);
  }
  return config;
}

Reading unreadable(const std::string& path, std::string_view cause) {
  Reading reading;
  reading.problems.push_back({Problem::Severity::error, 0, 0, concat("cannot read ", path, ": ", cause)});
  return reading;
}

}  // namespace

std::string to_string(const Problem& problem, std::string_view file) {
  std::string place(file);
  if (problem.line > 0) {
    place += concat(":", problem.line, ":", problem.column);
  }
  return concat(place, problem.severity == Problem::Severity::error ? ": error: " : ": warning: ", problem.text);
}

Reading read(std::string_view text, const Environment& environment, const std::optional<Host>& host) {
  Problems problems;
  Node root = parse_document(text, problems);
  if (problems.has_errors()) {
    return {std::nullopt, problems.take()};
  }
  expand(root, environment, problems);
  Draft draft = FileReader(root, problems).run();
  validate(draft, problems);
  if (host) {
    compare_with_host(draft, *host, problems);
  }
  Reading reading;
  if (!problems.has_errors()) {
    reading.config = config_of(std::move(draft));
  }
  reading.problems = problems.take();
  return reading;
}

Reading read_file(const std::string& path, const std::optional<Host>& host) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) {
    return unreadable(path, std::strerror(errno));
  }
  std::string text;
  std::array<char, 65'536> chunk{};
  while (text.size() <= kFileBytesMax) {
    const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get());
    if (got == 0) {
      break;
    }
    text.append(chunk.data(), got);
  }
  if (std::ferror(file.get()) != 0) {
    return unreadable(path, std::strerror(errno));
  }
  const Environment environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return read(text, environment, host);
}

}  // namespace tandem::config
