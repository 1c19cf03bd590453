#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>

#include "base/address.hpp"
#include "base/check.hpp"

namespace tandem::vrrp {

/// The addresses of one advert, at most 255, kept in place: receiving allocates nothing. A value.
class AddressList {
 public:
  static constexpr std::size_t kMax = 255;

  AddressList() = default;
  AddressList(std::initializer_list<IpAddress> addresses) {
    for (const IpAddress& address : addresses) {
      push_back(address);
    }
  }

  void push_back(const IpAddress& address) {
    check(size_ < kMax, "an advert has at most 255 addresses");
    addresses_[size_++] = address;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const IpAddress* begin() const { return addresses_.data(); }
  [[nodiscard]] const IpAddress* end() const { return addresses_.data() + size_; }

  friend bool operator==(const AddressList& left, const AddressList& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
  }

 private:
  std::array<IpAddress, kMax> addresses_{};
  std::size_t size_ = 0;
};

}  // namespace tandem::vrrp
