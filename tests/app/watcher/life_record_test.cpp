#include "app/watcher/life_record.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <optional>
#include <random>
#include <vector>

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kTags = 997;

vrrp::Will::Entry entry_of(std::uint32_t tag, const std::vector<std::byte>& bytes) {
  return {vrrp::Will::Kind::ip_packet, tag, IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, 1}), Bytes(bytes)};
}

std::vector<std::byte> bytes_of(std::uint32_t tag) {
  return std::vector<std::byte>(100 + tag % 400, static_cast<std::byte>(tag % 251));
}

std::uint32_t entries_of(std::uint32_t tag) { return 1 + tag % 7; }

/// Everything in it, its length too, follows from the tag.
vrrp::Will will_of(std::uint32_t tag) {
  vrrp::Will will;
  for (std::uint32_t number = 0; number < entries_of(tag); ++number) {
    REQUIRE(will.append(entry_of(tag, bytes_of(tag))));
  }
  return will;
}

/// The tag of a will that is whole; nothing for half of one or a mixture of two.
std::optional<std::uint32_t> whole(const vrrp::Will& will) {
  std::size_t offset = 0;
  std::optional<std::uint32_t> tag;
  std::uint32_t entries = 0;
  while (const auto entry = will.next(offset)) {
    tag = tag.value_or(entry->interface);
    const std::vector<std::byte> wanted = bytes_of(*tag);
    if (entry->interface != *tag ||
        !std::equal(entry->bytes.begin(), entry->bytes.end(), wanted.begin(), wanted.end())) {
      return std::nullopt;
    }
    ++entries;
  }
  return tag && entries == entries_of(*tag) ? tag : std::nullopt;
}

}  // namespace

TEST_SUITE("app/watcher/life_record") {
  TEST_CASE("a process killed at any moment leaves a whole will") {
    constexpr std::uint32_t kSeed = 20'251'120;
    CAPTURE(kSeed);
    std::mt19937 random(kSeed);
    std::uniform_int_distribution<useconds_t> moment(0, 400);
    const Result<LifeRecord::Mapping> mapped = LifeRecord::map();
    REQUIRE(mapped.has_value());
    LifeRecord& record = **mapped;
    std::vector<vrrp::Will> wills;
    for (std::uint32_t tag = 0; tag < 16; ++tag) {
      wills.push_back(will_of(tag * 61 % kTags));
    }
    std::size_t different = 0;
    std::uint32_t last = 0;

    for (int round = 0; round < 400; ++round) {
      record.deposit(wills.front());
      const pid_t writer = ::fork();
      if (writer == 0) {
        ::alarm(30);
        for (std::size_t next = 1;; ++next) {
          record.deposit(wills[next % wills.size()]);
        }
      }
      REQUIRE(writer > 0);
      ::usleep(moment(random));
      ::kill(writer, SIGKILL);
      REQUIRE(::waitpid(writer, nullptr, 0) == writer);

      const std::optional<std::uint32_t> tag = whole(record.will());

      REQUIRE(tag.has_value());
      different += *tag != last ? 1 : 0;
      last = *tag;
    }
    CHECK(different > 20);  // they did die at different moments
  }

  TEST_CASE("only the first will with something in it is news") {
    const Result<LifeRecord::Mapping> mapped = LifeRecord::map();
    REQUIRE(mapped.has_value());
    LifeRecord& record = **mapped;

    CHECK_FALSE(record.deposit(vrrp::Will{}));
    CHECK_FALSE(record.bequeathed());
    CHECK(record.deposit(will_of(5)));
    CHECK_FALSE(record.deposit(will_of(6)));
    CHECK(record.bequeathed());
    CHECK(whole(record.will()) == 6U);
  }

  TEST_CASE("a new life begins with an empty record but the form of the log") {
    const Result<LifeRecord::Mapping> mapped = LifeRecord::map();
    REQUIRE(mapped.has_value());
    LifeRecord& record = **mapped;
    record.deposit(will_of(5));
    record.on_started();
    record.expect_beats(200ms, Instant{5s});
    record.log_as(config::LogFormat::json);

    record.clear();

    CHECK(record.will().empty());
    CHECK_FALSE(record.bequeathed());
    CHECK_FALSE(record.started());
    CHECK(record.bound() == 0s);
    CHECK(record.log_format() == config::LogFormat::json);
  }

  TEST_CASE("to expect beats counts as one") {
    const Result<LifeRecord::Mapping> mapped = LifeRecord::map();
    REQUIRE(mapped.has_value());
    LifeRecord& record = **mapped;

    record.expect_beats(200ms, Instant{5s});

    CHECK(record.bound() == 200ms);
    CHECK(record.last_beat() == Instant{5s});
    record.beat(Instant{6s});
    CHECK(record.last_beat() == Instant{6s});
  }
}

}  // namespace tandem::app
