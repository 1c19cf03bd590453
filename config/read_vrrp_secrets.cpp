#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/secrets.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

using vrrp::AuthenticationMode;
using vrrp::AuthenticationOptions;
using vrrp::ReplayProtection;

void read_password(Section& section, VirtualRouter& router) {
  std::string password;
  section.read("password", password);
  section.read("password_file", router.secrets.password_file);
  const Node* given = section.value("password");
  if (given != nullptr && given->type == Node::Type::string) {
    if (const Result<vrrp::Password> made = to_password(password); made) {
      router.options.password = *made;
    } else {
      section.error(*given, concat("password ", made.error().text));
    }
    if (given->text == given->written) {
      section.warning(*given,
                      "password is in the file for everybody who may read it; use password_file or \"${NAME}\"");
    }
  }
  if (section.has("password") && section.has("password_file")) {
    section.error("password", "password and password_file are two ways to say one thing; keep one");
  }
  const std::string_view key = section.has("password") ? "password" : "password_file";
  if (section.has(key) && router.options.version != vrrp::Version::v2) {
    section.error(key, concat(key, " is for version 2; version 3 has auth"));
  }
  if (section.has(key) && section.has("auth")) {
    section.error(key, concat(key, " and auth exclude each other"));
  }
}

void read_key(Section& auth, const Node& element, AuthenticationOptions& options, VrrpSecretFiles& secrets) {
  if (element.type != Node::Type::table) {
    auth.error(element, concat("an element of keys is ", with_article(element.type),
                               ", wanted a table like { id = 1, key_file = \"/etc/tandem/vrrp.key\" }"));
    return;
  }
  Section section(element, element.place, schema::vrrp_key(), concat("keys of ", auth.title()),
                  concat(auth.subject(), ": keys"), auth.problems());
  std::uint32_t id = 0;
  std::string file;
  section.read("id", id);
  section.read("key_file", file);
  const bool twice = std::any_of(options.keys.begin(), options.keys.end(),
                                 [&](const vrrp::AuthenticationKey& key) { return key.id == id; });
  if (twice) {
    section.error("id", concat("two keys have the id ", id));
  }
  options.keys.push_back({static_cast<std::uint8_t>(id), {}});
  secrets.key_files.push_back(std::move(file));
}

/// `key_file`, or `keys`, and which of them signs.
void read_keys(Section& section, AuthenticationOptions& options, VrrpSecretFiles& secrets) {
  std::string file;
  std::uint32_t key_id = 1;
  section.read("key_file", file);
  section.read("key_id", key_id);
  const Node* keys = section.value("keys");
  if (keys != nullptr && keys->type != Node::Type::array) {
    section.wrong_type("keys", *keys);
  } else if (keys != nullptr) {
    for (const Node& element : keys->elements) {
      read_key(section, element, options, secrets);
    }
    if (keys->elements.empty()) {
      section.error(*keys, "keys is empty");
    }
  }
  if (section.has("key_file") == section.has("keys")) {
    section.error(section.has("keys") ? "keys" : "key_file",
                  section.has("keys") ? "key_file and keys exclude each other; list all in keys"
                                      : "key_file is missing, or keys");
  }
  if (section.has("key_file") && !section.has("keys")) {
    options.keys.push_back({static_cast<std::uint8_t>(key_id), {}});
    secrets.key_files.push_back(std::move(file));
  }
  if (!section.has("key_id") && !options.keys.empty()) {
    key_id = options.keys.front().id;
  }
  options.key_id = static_cast<std::uint8_t>(key_id);
  const bool known = std::any_of(options.keys.begin(), options.keys.end(),
                                 [&](const vrrp::AuthenticationKey& key) { return key.id == key_id; });
  if (!known && !options.keys.empty()) {
    section.error("key_id", concat("key_id ", key_id, " is the id of none of keys"));
  }
}

void read_auth(Section& vrrp, VirtualRouter& router) {
  const Node* table = vrrp.value("auth");
  if (table == nullptr) {
    return;
  }
  if (table->type != Node::Type::table) {
    vrrp.wrong_type("auth", *table);
    return;
  }
  Section section(*table, table->place, schema::vrrp_auth(), concat("auth of ", vrrp.title()),
                  concat(vrrp.subject(), ": auth"), vrrp.problems());
  AuthenticationOptions options;
  read_keys(section, options, router.secrets);
  section.read<AuthenticationMode>("mode", options.mode,
                                   {{"receive", AuthenticationMode::receive},
                                    {"permissive", AuthenticationMode::permissive},
                                    {"enforce", AuthenticationMode::enforce}});
  section.read<ReplayProtection>("replay", options.replay,
                                 {{"time", ReplayProtection::time}, {"monotonic", ReplayProtection::monotonic}});
  Duration window{0};
  section.read("window", window);
  options.window = std::chrono::duration_cast<std::chrono::seconds>(window);
  if (window % 1s != 0s) {
    section.error("window", concat("window ", to_string(window), " is not in whole seconds"));
  }
  if (section.has("window") && options.replay == ReplayProtection::monotonic) {
    section.warning("window", "window has no effect with replay = \"monotonic\"");
  }
  router.options.authentication = std::move(options);
}

}  // namespace

void read_vrrp_secrets(Section& section, VirtualRouter& router) {
  read_password(section, router);
  read_auth(section, router);
}

}  // namespace tandem::config
