#include "vrrp/checksum_choice.hpp"

#include <doctest/doctest.h>

#include <array>

#include "tests/vrrp/support.hpp"

namespace tandem::vrrp {

TEST_SUITE("vrrp/checksum_choice") {
  TEST_CASE("as long as nobody was heard the pseudo-header is summed") {
    const ChecksumChoice choice(ChecksumOption::automatic);

    CHECK(choice.towards(ip("10.77.0.2")) == ChecksumForm::pseudo_header);
    CHECK(choice.towards(ip("224.0.0.18")) == ChecksumForm::pseudo_header);
  }

  TEST_CASE("each peer is answered in the form last heard from it") {
    ChecksumChoice choice(ChecksumOption::automatic);

    choice.on_received(ip("10.77.0.2"), ChecksumForm::message_only);
    choice.on_received(ip("10.77.0.3"), ChecksumForm::pseudo_header);

    CHECK(choice.towards(ip("10.77.0.2")) == ChecksumForm::message_only);
    CHECK(choice.towards(ip("10.77.0.3")) == ChecksumForm::pseudo_header);
    CHECK(choice.towards(ip("10.77.0.4")) == ChecksumForm::pseudo_header);

    choice.on_received(ip("10.77.0.2"), ChecksumForm::pseudo_header);
    CHECK(choice.towards(ip("10.77.0.2")) == ChecksumForm::pseudo_header);
  }

  TEST_CASE("the group is answered in the form last heard from anybody") {
    ChecksumChoice choice(ChecksumOption::automatic);

    choice.on_received(ip("10.77.0.3"), ChecksumForm::pseudo_header);
    choice.on_received(ip("10.77.0.2"), ChecksumForm::message_only);

    CHECK(choice.towards(ip("224.0.0.18")) == ChecksumForm::message_only);
  }

  TEST_CASE("a chosen form is kept whatever is heard") {
    ChecksumChoice rfc(ChecksumOption::rfc9568);
    ChecksumChoice pseudo(ChecksumOption::pseudo_header);

    rfc.on_received(ip("10.77.0.2"), ChecksumForm::pseudo_header);
    pseudo.on_received(ip("10.77.0.2"), ChecksumForm::message_only);

    CHECK(rfc.towards(ip("10.77.0.2")) == ChecksumForm::message_only);
    CHECK(pseudo.towards(ip("10.77.0.2")) == ChecksumForm::pseudo_header);
  }

  TEST_CASE("of many peers the latest eight are remembered") {
    ChecksumChoice choice(ChecksumOption::automatic);
    for (std::uint8_t last = 1; last <= 9; ++last) {
      choice.on_received(IpAddress(std::array<std::uint8_t, 4>{10, 0, 0, last}), ChecksumForm::message_only);
    }

    CHECK(choice.towards(ip("10.0.0.1")) == ChecksumForm::pseudo_header);
    CHECK(choice.towards(ip("10.0.0.2")) == ChecksumForm::message_only);
    CHECK(choice.towards(ip("10.0.0.9")) == ChecksumForm::message_only);
  }
}

}  // namespace tandem::vrrp
