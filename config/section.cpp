#include "config/section.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::config {

namespace {

std::vector<std::string_view> names_of(const schema::Table& table) {
  std::vector<std::string_view> names;
  for (const schema::Key& key : table.keys) {
    names.push_back(key.name);
  }
  return names;
}

/// What `wanted` says, with the unit that a bare number may have meant.
std::string wanted_instead_of(const schema::Key& key, const Node& value) {
  std::string text(schema::wanted(key.type));
  if (value.type != Node::Type::integer || value.integer < 0) {
    return text;
  }
  if (key.type == schema::Type::duration) {
    return concat(text, "; write \"", value.integer, "s\" for seconds or \"", value.integer, "ms\"");
  }
  if (key.type == schema::Type::lag) {
    return concat(text, "; write \"", value.integer, "B\" for bytes or \"", value.integer, "s\" for seconds");
  }
  return text;
}

/// A limit in the unit in which the file gives the value, where it is whole in it: "900s" exceeds "300s", not "5m".
std::string limit_text(const Node& value, Duration limit) {
  const auto digits = value.text.find_first_not_of("0123456789.");
  const auto one =
      parse_duration(concat("1", std::string_view(value.text).substr(std::min(digits, value.text.size()))));
  if (value.text != value.written || !one || limit % *one != Duration{0}) {
    return to_string(limit);
  }
  return concat(limit / *one, std::string_view(value.text).substr(digits));
}

}  // namespace

Section::Section(const Node& table, Place place, const schema::Table& keys, std::string title, std::string subject,
                 Problems& problems)
    : table_(table),
      place_(place),
      keys_(keys),
      title_(std::move(title)),
      subject_(std::move(subject)),
      problems_(problems),
      asked_(keys.keys.size()) {
  for (const Member& member : table.members) {
    if (keys.find(member.key) == nullptr) {
      refuse_unknown(member);
    }
  }
}

Section::~Section() {
  check(skip_ || std::all_of(asked_.begin(), asked_.end(), [](bool asked) { return asked; }),
        "every key that is described is read");
}

void Section::refuse_unknown(const Member& member) {
  for (const schema::Later& later : keys_.later) {
    if (later.name == member.key) {
      problems_.error(member.place, title_.empty() ? std::string(later.text) : concat(subject_, ": ", later.text));
      return;
    }
  }
  const bool top = title_.empty();
  const bool table = top && (member.value.type == Node::Type::table || member.value.type == Node::Type::array);
  std::string text = table
                         ? concat("unknown table [", member.key, "]")
                         : concat("unknown key \"", member.key, "\" ", top ? "before the first table" : "in ", title_);
  const std::vector<std::string_view> known = names_of(keys_);
  const std::string_view meant = nearest(member.key, known);
  if (!meant.empty()) {
    text += table ? concat("; did you mean [", meant, "]?") : concat("; did you mean \"", meant, "\"?");
  } else if (known.size() <= 8) {
    text += concat("; there are: ", listed(known));
  }
  problems_.error(member.place, text);
}

const schema::Key& Section::asked(std::string_view name) {
  const schema::Key* key = keys_.find(name);
  check(key != nullptr, "only keys that are described are read");
  asked_[static_cast<std::size_t>(key - keys_.keys.data())] = true;
  return *key;
}

const Node* Section::value(std::string_view name) {
  const schema::Key& key = asked(name);
  const Node* found = table_.find(name);
  if (found == nullptr && key.required) {
    problems_.error(place_, concat(subject_, subject_.empty() ? "" : ": ", name, " is missing"));
  }
  return found == nullptr || found->unusable ? nullptr : found;
}

const Node* Section::value_of_type(std::string_view name, Node::Type type) {
  const Node* found = value(name);
  if (found != nullptr && found->type != type) {
    wrong_type(name, *found);
    return nullptr;
  }
  return found;
}

void Section::wrong_type(std::string_view name, const Node& at) {
  error(at, concat(name, " is ", with_article(at.type), ", wanted ", wanted_instead_of(asked(name), at)));
}

void Section::error(const Node& at, std::string_view text) { problems_.error(at.place, concat(subject_, ": ", text)); }

void Section::warning(const Node& at, std::string_view text) {
  problems_.warning(at.place, concat(subject_, ": ", text));
}

void Section::error(std::string_view key, std::string_view text) {
  problems_.error(place_of(key), concat(subject_, ": ", text));
}

void Section::warning(std::string_view key, std::string_view text) {
  problems_.warning(place_of(key), concat(subject_, ": ", text));
}

Place Section::place_of(std::string_view key) const {
  const Node* found = table_.find(key);
  return found == nullptr ? place_ : found->place;
}

void Section::read(std::string_view name, bool& out) {
  if (const Node* found = value_of_type(name, Node::Type::boolean)) {
    out = found->boolean;
  }
}

void Section::read(std::string_view name, std::uint32_t& out) {
  const schema::Key& key = asked(name);
  const Node* found = value_of_type(name, Node::Type::integer);
  if (found == nullptr) {
    return;
  }
  if (found->integer > key.most) {
    error(*found, concat(name, " ", found->integer, " exceeds the limit ", key.most));
  } else if (found->integer < key.least) {
    error(*found, concat(name, " ", found->integer, " is below the minimum ", key.least));
  } else {
    out = static_cast<std::uint32_t>(found->integer);
  }
}

void Section::read(std::string_view name, Duration& out) {
  const schema::Key& key = asked(name);
  const Node* found = value_of_type(name, Node::Type::string);
  if (found == nullptr) {
    return;
  }
  const auto duration = parse_duration(found->text);
  if (!duration) {
    error(*found, concat(name, ": ", parse_failure(*found, duration.error().text)));
  } else if (duration->count() > key.most) {
    error(*found, concat(name, " ", found->written, " exceeds the limit ", limit_text(*found, Duration{key.most})));
  } else if (duration->count() < key.least) {
    error(*found, concat(name, " ", found->written, " is below the minimum ", limit_text(*found, Duration{key.least})));
  } else {
    out = *duration;
  }
}

void Section::read(std::string_view name, std::string& out) {
  if (const Node* found = value_of_type(name, Node::Type::string)) {
    out = found->text;
  }
}

void Section::read(std::string_view name, Endpoint& out) {
  const Node* found = value_of_type(name, Node::Type::string);
  if (found == nullptr) {
    return;
  }
  const auto endpoint = parse_endpoint(*found);
  if (endpoint) {
    out = *endpoint;
  } else {
    error(*found, concat(name, ": ", endpoint.error().text));
  }
}

void Section::read(std::string_view name, std::vector<Prefix>& out) {
  const Node* found = value_of_type(name, Node::Type::array);
  if (found == nullptr) {
    return;
  }
  out.clear();
  for (const Node& element : found->elements) {
    if (element.type != Node::Type::string) {
      error(element, concat("an element of ", name, " is ", with_article(element.type), ", wanted a string like ",
                            "\"10.0.0.0/8\""));
      continue;
    }
    if (element.unusable) {
      continue;
    }
    const auto network = Prefix::parse(element.text);
    if (network) {
      out.push_back(*network);
    } else {
      error(element, concat(name, ": ", parse_failure(element, network.error().text)));
    }
  }
}

void Section::read(std::string_view name, std::vector<std::string>& out) {
  const Node* found = value_of_type(name, Node::Type::array);
  if (found == nullptr) {
    return;
  }
  out.clear();
  for (const Node& element : found->elements) {
    if (element.type == Node::Type::string) {
      out.push_back(element.text);
    } else {
      error(element, concat("an element of ", name, " is ", with_article(element.type), ", wanted a string"));
    }
  }
}

void Section::read(std::string_view name, std::vector<std::pair<std::string, std::string>>& out) {
  const Node* found = value_of_type(name, Node::Type::table);
  if (found == nullptr) {
    return;
  }
  out.clear();
  for (const Member& member : found->members) {
    if (member.value.type == Node::Type::string) {
      out.emplace_back(member.key, member.value.text);
    } else {
      error(member.value,
            concat(name, ": \"", member.key, "\" is ", with_article(member.value.type), ", wanted a string"));
    }
  }
}

std::optional<std::string_view> Section::read_word(std::string_view name) {
  const schema::Key& key = asked(name);
  const Node* found = value_of_type(name, Node::Type::string);
  if (found == nullptr) {
    return std::nullopt;
  }
  const std::vector<std::string_view> known = words_of(key.words);
  const auto word = std::find(known.begin(), known.end(), found->text);
  if (word != known.end()) {
    return *word;
  }
  const std::vector<std::string_view> later = words_of(key.later_words);
  if (std::find(later.begin(), later.end(), found->text) != later.end()) {
    error(*found, concat(name, " ", quoted(*found), " is not in this version; there are: ", listed(known)));
    return std::nullopt;
  }
  const std::string_view meant = found->text == found->written ? nearest(found->text, known) : std::string_view{};
  error(*found, concat(name, " ", quoted(*found), " is unknown; ",
                       meant.empty() ? concat("there are: ", listed(known)) : concat("did you mean \"", meant, "\"?")));
  return std::nullopt;
}

std::vector<std::string_view> words_of(std::string_view list) {
  std::vector<std::string_view> words;
  while (!list.empty()) {
    const auto end = std::min(list.find(' '), list.size());
    words.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

std::string quoted(const Node& string) { return concat("\"", string.written, "\""); }

std::string parse_failure(const Node& value, std::string_view failure) {
  return value.text == value.written ? std::string(failure)
                                     : concat("what ", quoted(value), " stands for is not valid");
}

Result<Endpoint> parse_endpoint(const Node& value) {
  const auto endpoint = Endpoint::parse(value.text);
  if (endpoint && endpoint->port == 0) {
    return Error{concat(quoted(value), ": the port is 1 to 65535")};
  }
  if (endpoint && endpoint->address.unmapped() != endpoint->address) {
    return Error{concat(quoted(value), " is an IPv4 address in IPv6 clothes; write the IPv4 address itself")};
  }
  if (endpoint || value.text != value.written) {
    return endpoint ? Result<Endpoint>(*endpoint) : Error{parse_failure(value, {})};
  }
  const std::string_view text = value.text;
  const auto colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  if (colon != std::string_view::npos && (host.empty() || host == "*")) {
    const std::string_view port = text.substr(colon + 1);
    return Error{concat(quoted(value), " has no address; write \"0.0.0.0:", port, "\" or \"[::]:", port,
                        "\" for all of this machine's")};
  }
  constexpr std::string_view name_characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const bool has_letter = host.find_first_not_of("0123456789.") != std::string_view::npos;
  if (!host.empty() && has_letter && host.find_first_not_of(name_characters) == std::string_view::npos) {
    return Error{concat(quoted(value), ": \"", host,
                        "\" is a name, and discovery by DNS is not in this version; write an IP address",
                        colon == std::string_view::npos ? " and a port" : "")};
  }
  return Error{endpoint.error().text};
}

std::optional<std::string> wrong_name(std::string_view name) {
  constexpr std::string_view first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view rest = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  if (name.empty()) {
    return "is empty";
  }
  if (name.size() > 64) {
    return "is longer than 64 characters";
  }
  if (name.find_first_not_of(rest) != std::string_view::npos) {
    return "has other characters than letters, digits, \"-\", \"_\" and \".\"";
  }
  if (first.find(name[0]) == std::string_view::npos) {
    return "does not begin with a letter or a digit";
  }
  return std::nullopt;
}

}  // namespace tandem::config
