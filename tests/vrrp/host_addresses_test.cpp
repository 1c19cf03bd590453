#include <doctest/doctest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/vrrp/host_fixture.hpp"
#include "tests/vrrp/namespace.hpp"
#include "tests/vrrp/support.hpp"
#include "tests/vrrp/wire.hpp"
#include "vrrp/announcement.hpp"
#include "vrrp/kernel_addresses.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/will_executor.hpp"

namespace tandem::vrrp {
namespace {

constexpr MacAddress kMac{0x02, 0, 0, 0, 0, 0x0a};

Options many(std::string_view family, int count) {
  Options options = family == "ipv4" ? instance("10.77.1.1", 24) : instance("fe80::77:100", 64);
  for (int i = 2; i <= count; ++i) {
    const std::string last = std::to_string(i);
    options.addresses.push_back(family == "ipv4" ? VirtualAddress{ip("10.77.1." + last), 24}
                                                 : VirtualAddress{ip("fd77::" + last), 64});
  }
  return options;
}

/// Lets a child that is not a child of the test's process do it, as the watcher would.
void execute_elsewhere(const Will& will) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto executor = WillExecutor::open();
    std::_Exit(executor && executor->execute(will) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

bool wait_for_change(Interfaces& interfaces) {
  pollfd readable{interfaces.fd(), POLLIN, 0};
  return ::poll(&readable, 1, 2000) == 1 && interfaces.refresh();
}

TEST_SUITE("vrrp/host/addresses") {
  TEST_CASE("addresses are put on and taken off again") {
    for (const std::string family : {"ipv4", "ipv6"}) {
      CAPTURE(family);
      in_own_network([&] {
        add_wire();
        const auto platform = host();
        Port opened = port(*platform, many(family, 80));
        CHECK_FALSE(opened.addresses->any());

        require_done(opened.addresses->acquire());

        CHECK(opened.addresses->complete());
        CHECK(opened.addresses->any());
        platform->interfaces().refresh();
        CHECK(opened.addresses->complete());
        const std::string last = family == "ipv4" ? "10.77.1.80/24" : "fd77::80/64";
        CHECK(has_address("va", last));
        CHECK_FALSE(has_address("va", "tentative"));

        require_done(opened.addresses->release());

        CHECK_FALSE(opened.addresses->any());
        CHECK_FALSE(opened.addresses->complete());
        platform->interfaces().refresh();
        CHECK_FALSE(opened.addresses->any());
        CHECK_FALSE(has_address("va", "inet"));
      });
    }
  }

  TEST_CASE("an address that somebody else has put on is left alone") {
    in_own_network([] {
      add_wire();
      run("ip address add 10.77.0.1/24 dev va; ip address add 10.77.0.100/24 dev va");
      Options options = instance("10.77.0.100", 24);
      options.addresses.push_back({ip("10.77.0.101"), 24});
      const auto platform = host();
      Port opened = port(*platform, options);

      require_done(opened.addresses->acquire());
      CHECK(opened.addresses->complete());
      require_done(opened.addresses->release());

      CHECK_FALSE(opened.addresses->any());
      CHECK(has_address("va", "10.77.0.1/24"));
      CHECK(has_address("va", "10.77.0.100/24"));
      CHECK_FALSE(has_address("va", "10.77.0.101/24"));
    });
  }

  TEST_CASE("an address that appears behind our back is no failure and is not ours") {
    in_own_network([] {
      add_wire();
      const auto platform = host();
      Port opened = port(*platform, instance("10.77.0.100", 24));
      run("ip address add 10.77.0.100/24 dev va");

      require_done(opened.addresses->acquire());
      platform->interfaces().refresh();
      CHECK(opened.addresses->complete());
      require_done(opened.addresses->release());

      CHECK(has_address("va", "10.77.0.100/24"));
    });
  }

  TEST_CASE("an address that vanishes is seen to be missing and put on again") {
    in_own_network([] {
      add_wire();
      run("ip address add 10.77.0.1/24 dev va");
      const auto platform = host();
      Port opened = port(*platform, instance("10.77.0.100", 24));
      require_done(opened.addresses->acquire());
      platform->interfaces().refresh();

      run("ip address del 10.77.0.100/24 dev va");

      CHECK(wait_for_change(platform->interfaces()));
      CHECK_FALSE(opened.addresses->complete());
      CHECK_FALSE(opened.addresses->any());
      require_done(opened.addresses->acquire());
      CHECK(has_address("va", "10.77.0.100/24"));
    });
  }

  TEST_CASE("addresses left behind by a dead predecessor are taken off when an instance is opened") {
    for (const std::string family : {"ipv4", "ipv6"}) {
      CAPTURE(family);
      in_own_network([&] {
        add_wire();
        run("ip address add 10.77.1.200/24 dev va; ip address add fd77::200/64 dev va nodad");
        {
          const auto predecessor = host();
          Port opened = port(*predecessor, many(family, 3));
          require_done(opened.addresses->acquire());
        }
        CHECK(has_address("va", family == "ipv4" ? "10.77.1.3/24" : "fd77::3/64"));

        const auto platform = host();
        Port opened = port(*platform, many(family, 2));

        CHECK_FALSE(opened.addresses->any());
        CHECK_FALSE(has_address("va", "10.77.1.[1-9]/24"));
        CHECK_FALSE(has_address("va", "fd77::[1-9]/64"));
        CHECK(has_address("va", "10.77.1.200/24"));
        CHECK(has_address("va", "fd77::200/64"));
      });
    }
  }

  TEST_CASE("what another open instance holds is not taken for a remnant") {
    in_own_network([] {
      add_wire();
      const auto platform = host();
      Port first = port(*platform, instance("10.77.0.100", 24));
      require_done(first.addresses->acquire());

      Port second = port(*platform, instance("10.77.0.101", 24));
      Port same = port(*platform, instance("10.77.0.100", 24));

      CHECK(first.addresses->any());
      CHECK(has_address("va", "10.77.0.100/24"));
    });
  }

  TEST_CASE("a kernel that does not keep the protocol keeps the metric") {
    in_own_network([] {
      add_wire();
      KernelAddressesOptions options;
      options.interface = "va";
      options.addresses = {{ip("10.77.0.100"), 24}};
      options.mark = choose_mark("5.15.0-91-generic", VirtualMac::no);
      options.mark.protocol = 0;
      auto kernel = KernelInterfaces::open();
      REQUIRE(kernel.has_value());
      options.index = (*kernel)->table().find(std::string_view("va"))->index;
      {
        auto addresses = KernelAddresses::open(*kernel, options);
        REQUIRE(addresses.has_value());
        require_done((*addresses)->acquire());
      }
      REQUIRE((*kernel)->reload().has_value());
      CHECK((*kernel)->table().find(options.index, ip("10.77.0.100"))->owner == InterfaceTable::Owner::ours);

      const auto platform = host();
      Port opened = port(*platform, instance("10.77.0.101", 24));

      CHECK_FALSE(has_address("va", "10.77.0.100"));
    });
  }

  TEST_CASE("taking off the first address of a network leaves the others on") {
    in_own_network([] {
      add_wire();
      set_sysctl("ipv4/conf/all/promote_secondaries", "0");
      set_sysctl("ipv4/conf/va/promote_secondaries", "0");
      const auto platform = host();
      {
        Port opened = port(*platform, instance("10.77.0.100", 24));
        require_done(opened.addresses->acquire());
        run("ip address add 10.77.0.7/24 dev va");
        CHECK(has_address("va", "10.77.0.7/24.*secondary"));

        require_done(opened.addresses->release());

        CHECK(has_address("va", "10.77.0.7/24"));
        CHECK_FALSE(has_address("va", "10.77.0.100/24"));
      }
      CHECK(sysctl("ipv4/conf/va/promote_secondaries") == "0");
    });
  }

  TEST_CASE("another process takes the addresses off that it inherits and nothing else") {
    for (const std::string family : {"ipv4", "ipv6"}) {
      CAPTURE(family);
      in_own_network([&] {
        add_wire();
        run("ip address add 10.77.1.200/24 dev va; ip address add fd77::200/64 dev va nodad");
        Options options = many(family, 80);
        options.addresses.push_back(family == "ipv4" ? VirtualAddress{ip("10.77.1.200"), 24}
                                                     : VirtualAddress{ip("fd77::200"), 64});
        const auto platform = host();
        Port opened = port(*platform, options);
        auto will = std::make_unique<Will>();
        REQUIRE(opened.addresses->bequeath(*will));
        CHECK(will->empty());
        require_done(opened.addresses->acquire());
        REQUIRE(opened.addresses->bequeath(*will));

        execute_elsewhere(*will);
        execute_elsewhere(*will);  // what is gone is no failure

        CHECK(wait_for_change(platform->interfaces()));
        CHECK_FALSE(opened.addresses->any());
        CHECK(has_address("va", "10.77.1.200/24"));
        CHECK(has_address("va", "fd77::200/64"));
      });
    }
  }

  TEST_CASE("the kernel's refusal names the address and the cause") {
    in_own_network([] {
      add_wire();
      const auto platform = host();
      Port opened = port(*platform, instance("fe80::77:100", 64));
      set_sysctl("ipv6/conf/va/disable_ipv6", "1");

      const Result<> acquired = opened.addresses->acquire();

      REQUIRE_FALSE(acquired.has_value());
      CHECK(acquired.error().text ==
            "address fe80::77:100/64: cannot be put on \"va\": Permission denied (net.ipv6.conf.va.disable_ipv6 = 1)");
      run("ip link del va");
      CHECK_FALSE(opened.addresses->acquire().has_value());
      CHECK(opened.addresses->release().has_value());
    });
  }

  TEST_CASE("neighbours are told by gratuitous ARP") {
    in_own_network([] {
      add_wire();
      Options options = instance("10.77.0.100", 24);
      options.addresses.push_back({ip("10.77.0.101"), 24});
      const auto platform = host();
      Port opened = port(*platform, options);
      require_done(opened.addresses->acquire());
      Wire wire("vb");

      opened.addresses->announce(2);

      for (const std::string address : {"10.77.0.100", "10.77.0.101", "10.77.0.100", "10.77.0.101"}) {
        CHECK(to_hex(wire.next(is_arp)) == to_hex(gratuitous_arp(kMac, ip(address))));
      }
      CHECK(wire.waiting(is_arp).empty());
    });
  }

  TEST_CASE("neighbours are told by an unsolicited advertisement that says whether we forward") {
    in_own_network([] {
      add_wire();
      const auto platform = host();
      Port opened = port(*platform, instance("fe80::77:100", 64));
      require_done(opened.addresses->acquire());
      Wire wire("vb");
      const IpAddress address = ip("fe80::77:100");

      opened.addresses->announce(1);
      CHECK(to_hex(wire.next(is_neighbour_advertisement)) ==
            to_hex(neighbour_advertisement(kMac, address, Forwards::no)));
      set_sysctl("ipv6/conf/va/forwarding", "1");
      opened.addresses->announce(1);

      CHECK(to_hex(wire.next(is_neighbour_advertisement)) ==
            to_hex(neighbour_advertisement(kMac, address, Forwards::yes)));
    });
  }
}

}  // namespace
}  // namespace tandem::vrrp
