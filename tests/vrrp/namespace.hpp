#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tandem::vrrp {

/// Runs `body` in a child process that has a network of its own, in which it may do everything, and waits for it. A
/// failed assertion there fails the test here. Where that is forbidden, prints why and leaves `body` out.
void in_own_network(const std::function<void()>& body);

/// Lets a shell do it, "ip" and the like; a failure is a failed assertion.
void run(const std::string& command);

/// The value of a file in /proc/sys/net, such as "ipv4/conf/all/arp_ignore".
std::string sysctl(std::string_view path);
void set_sysctl(std::string_view path, std::string_view value);

}  // namespace tandem::vrrp
