#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "config/document.hpp"
#include "config/problems.hpp"
#include "config/schema.hpp"

namespace tandem::config {

/// One table of the file, read by its description: a key that is not described cannot be read, and one that is
/// described must be. What is wrong goes to `problems` and leaves the value as it was.
class Section {
 public:
  /// Names the keys that are unknown. `title` is how the file calls the table ("[pool.web]"), `subject` how messages
  /// call what it describes ("pool \"web\""). `place` is where the table is named. Borrows all but the texts.
  Section(const Node& table, Place place, const schema::Table& keys, std::string title, std::string subject,
          Problems& problems);
  ~Section();
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  void read(std::string_view key, bool& out);
  void read(std::string_view key, std::uint32_t& out);
  void read(std::string_view key, Duration& out);
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, Endpoint& out);
  void read(std::string_view key, std::vector<Prefix>& out);
  void read(std::string_view key, std::vector<std::string>& out);
  void read(std::string_view key, std::vector<std::pair<std::string, std::string>>& out);
  template <class Word>
  void read(std::string_view key, Word& out, const std::vector<std::pair<std::string_view, Word>>& meanings) {
    const std::optional<std::string_view> word = read_word(key);
    for (const auto& [name, meaning] : meanings) {
      out = word == name ? meaning : out;
    }
  }

  /// The value of a key whose form is the caller's to check; nullptr where it is missing or already reported.
  const Node* value(std::string_view key);
  /// Whether the file gives this key.
  [[nodiscard]] bool has(std::string_view key) const { return table_.find(key) != nullptr; }
  /// Keys that nobody will ask for, because the rest makes no sense.
  void skip_the_rest() { skip_ = true; }

  /// "pool "web": " and the text, at a value.
  void error(const Node& at, std::string_view text);
  void warning(const Node& at, std::string_view text);
  /// The same where the key's value begins, or the table where there is none.
  void error(std::string_view key, std::string_view text);
  void warning(std::string_view key, std::string_view text);
  void wrong_type(std::string_view key, const Node& at);

  [[nodiscard]] Place place() const { return place_; }
  [[nodiscard]] Place place_of(std::string_view key) const;
  [[nodiscard]] const std::string& subject() const { return subject_; }
  [[nodiscard]] const std::string& title() const { return title_; }
  [[nodiscard]] Problems& problems() { return problems_; }

 private:
  const schema::Key& asked(std::string_view key);
  const Node* value_of_type(std::string_view key, Node::Type type);
  std::optional<std::string_view> read_word(std::string_view key);
  void refuse_unknown(const Member& member);

  const Node& table_;
  Place place_;
  const schema::Table& keys_;
  std::string title_;
  std::string subject_;
  Problems& problems_;
  std::vector<bool> asked_;  // by the keys' order
  bool skip_ = false;
};

/// The words of a list parted by spaces.
std::vector<std::string_view> words_of(std::string_view list);

/// How a message may show a string: in quotes as the file has it.
std::string quoted(const Node& string);

/// The error of parsing `value`, without the content of environment variables.
std::string parse_failure(const Node& value, std::string_view failure);

/// The endpoint that a string names; the error is for people and keeps variables' content to itself.
Result<Endpoint> parse_endpoint(const Node& value);

/// Letters, digits, "-", "_" and ".", a letter or digit first, at most 64; else what is wrong.
std::optional<std::string> wrong_name(std::string_view name);

}  // namespace tandem::config
