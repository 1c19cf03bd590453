#include "tests/healthcheck/support/probe_once.hpp"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "healthcheck/probe/recipe.hpp"

namespace tandem::healthcheck::testing {

Target target(const Endpoint& address, ProbeOptions options) {
  Target out;
  out.id = BackendId{1};
  out.cluster = ClusterId{1};
  out.cluster_name = "orders";
  out.name = "pg-0";
  out.address = address;
  out.probe = std::make_shared<const ProbeOptions>(std::move(options));
  return out;
}

Outcome probe_once(const Endpoint& address, const ProbeOptions& options) {
  boost::asio::io_context context(1);
  const Target whom = target(address, options);
  const ProbeRecipe recipe(std::make_shared<Surroundings>(context), whom.probe);
  Outcome outcome;
  const auto begin = std::chrono::steady_clock::now();
  const std::shared_ptr<Probe> probe = recipe.make(whom);
  probe->start(begin, [&](const Verdict& verdict, Evidence evidence) {
    outcome.verdict = verdict;
    outcome.evidence = evidence;
    outcome.took = std::chrono::steady_clock::now() - begin;
    ++outcome.verdicts;
  });
  context.run_for(std::chrono::seconds(10));
  probe->cancel();
  context.restart();
  context.poll();
  return outcome;
}

}  // namespace tandem::healthcheck::testing
