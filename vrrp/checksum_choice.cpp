#include "vrrp/checksum_choice.hpp"

#include <algorithm>

namespace tandem::vrrp {

void ChecksumChoice::on_received(const IpAddress& source, ChecksumForm form) {
  const auto found = std::ranges::find_if(heard_, [&](const auto& heard) { return !heard || heard->source == source; });
  const auto place = found == heard_.end() ? heard_.end() - 1 : found;
  *place = Heard{source, form};
  std::rotate(heard_.begin(), place, place + 1);
}

ChecksumForm ChecksumChoice::towards(const IpAddress& destination) const {
  if (option_ == ChecksumOption::rfc9568) {
    return ChecksumForm::message_only;
  }
  if (option_ == ChecksumOption::pseudo_header || !heard_.front()) {
    return ChecksumForm::pseudo_header;
  }
  if (destination == group(destination.family())) {
    return heard_.front()->form;
  }
  const auto found =
      std::ranges::find_if(heard_, [&](const auto& heard) { return heard && heard->source == destination; });
  return found == heard_.end() ? ChecksumForm::pseudo_header : (*found)->form;
}

}  // namespace tandem::vrrp
