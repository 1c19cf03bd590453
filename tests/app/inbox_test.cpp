#include "app/inbox.hpp"

#include <doctest/doctest.h>

namespace tandem::app {

TEST_SUITE("app/inbox") {
  TEST_CASE("messages that came together are handed over together and those beyond the limit are counted") {
    boost::asio::io_context context;
    std::vector<std::vector<int>> seen;
    Inbox<int> inbox(context, 3, [&](const std::vector<int>& messages) { seen.push_back(messages); });

    for (const int message : {1, 2, 3, 4}) {
      inbox.send(message);
    }
    context.run();
    context.restart();
    inbox.send(5);
    context.run();

    CHECK(seen == std::vector<std::vector<int>>{{1, 2, 3}, {5}});
    CHECK(inbox.overflows() == 1);
  }
}

}  // namespace tandem::app
