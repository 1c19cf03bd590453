#include "lb/relay/relay_plane.hpp"

#include <thread>
#include <utility>

#include "base/check.hpp"
#include "lb/relay/worker.hpp"
#include "net/socket.hpp"

namespace tandem::lb::relay {

namespace {

using namespace std::chrono_literals;

}  // namespace

RelayPlane::RelayPlane(const RelayOptions& options, Log log,
                       std::function<void(const ConnectFailed&)> on_connect_failed)
    : crew_(std::make_unique<Crew>(options, std::move(log), std::move(on_connect_failed))) {
  check(options.workers > 0, "a plane has workers");
  for (std::uint32_t worker = 0; worker < options.workers; ++worker) {
    workers_.push_back(std::make_unique<Worker>(*crew_, WorkerId{worker}));
  }
}

RelayPlane::~RelayPlane() { stop(); }

void RelayPlane::start() {
  check(stage_ == Stage::fresh, "a plane is started once");
  const Instant now = std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) {
    crew_->heartbeats[worker].store(now.time_since_epoch().count(), std::memory_order_relaxed);
    workers_[worker]->start();
  }
  stage_ = Stage::running;
}

void RelayPlane::stop() {
  if (stage_ != Stage::running) {
    return;
  }
  stage_ = Stage::stopped;
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) {
    post(WorkerId{worker}, Stop{});
  }
  for (const auto& worker : workers_) {
    worker->join();
  }
  listeners_.clear();
}

void RelayPlane::post(WorkerId worker, Command command) {
  while (!crew_->mailbox(worker).try_push(command)) {
    std::this_thread::sleep_for(1ms);  // full: the worker is behind, and commands must not be lost
  }
}

Result<void> RelayPlane::open(const ListenerSpec& spec) {
  check(stage_ == Stage::running, "listeners are opened on a running plane");
  std::vector<Endpoint> ours;
  for (const auto& [id, endpoints] : listeners_) {
    ours.insert(ours.end(), endpoints.begin(), endpoints.end());
  }
  Result<std::vector<std::vector<net::Fd>>> sockets = open_sockets(spec, workers_.size(), ours);
  if (!sockets) {
    return sockets.error();
  }
  std::vector<Endpoint>& endpoints = listeners_[spec.id];
  for (const net::Fd& socket : sockets->front()) {
    endpoints.push_back(net::local_endpoint(socket).value_or(Endpoint{}));
  }
  const auto done = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(workers_.size()));
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) {
    post(WorkerId{worker}, OpenListener{spec, std::move((*sockets)[worker]), done});
  }
  done->wait();
  return {};
}

void RelayPlane::update(const ListenerSpec& spec) {
  check(stage_ != Stage::fresh, "listeners are updated on a running plane");
  for (std::uint32_t worker = 0; stage_ == Stage::running && worker < workers_.size(); ++worker) {
    post(WorkerId{worker}, UpdateListener{spec});
  }
}

void RelayPlane::close(ListenerId listener) {
  if (stage_ != Stage::running || listeners_.erase(listener) == 0) {
    return;
  }
  const auto done = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(workers_.size()));
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) {
    post(WorkerId{worker}, CloseListener{listener, done});
  }
  done->wait();
}

void RelayPlane::log_one_in(std::uint32_t count) {
  crew_->log_one_in.store(count, std::memory_order_relaxed);  // relaxed: as good a moment late
}

void RelayPlane::stop_accepting() {
  while (!listeners_.empty() && stage_ == Stage::running) {
    close(listeners_.begin()->first);
  }
}

void RelayPlane::publish(std::shared_ptr<const Snapshot> snapshot, std::vector<Sever> severs,
                         std::function<void()> applied) {
  check(stage_ != Stage::fresh, "snapshots are published to a running plane");
  if (stage_ == Stage::stopped) {
    return;
  }
  remember_backends(*snapshot);
  const auto shared_severs = std::make_shared<const std::vector<Sever>>(std::move(severs));
  const auto publication = std::make_shared<Publication>(workers_.size(), std::move(applied));
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) {
    post(WorkerId{worker}, Adopt{snapshot, shared_severs, publication});
  }
}

void RelayPlane::remember_backends(const Snapshot& snapshot) {
  std::erase_if(backends_, [](const auto& known) { return known.second.expired(); });
  for (const auto& [id, pool] : snapshot.pools) {
    for (const Candidate& candidate : pool->candidates) {
      backends_[candidate.backend->id] = candidate.backend;
    }
  }
}

std::uint64_t RelayPlane::sessions(BackendId backend) const {
  const auto known = backends_.find(backend);
  const std::shared_ptr<Backend> found = known == backends_.end() ? nullptr : known->second.lock();
  return found ? found->active.load(std::memory_order_relaxed) : 0;  // relaxed: a recent value is what is promised
}

std::uint64_t RelayPlane::sessions() const {
  return crew_->load.sum([](const std::atomic<std::uint32_t>& one) {
    return std::uint64_t{one.load(std::memory_order_relaxed)};  // relaxed: as above
  });
}

const metrics::PerWorker<WorkerStats>& RelayPlane::worker_stats() const { return crew_->stats; }

Instant RelayPlane::heartbeat(std::size_t worker) const {
  return Instant{Duration{crew_->heartbeats[worker].load(std::memory_order_relaxed)}};  // relaxed: as above
}

std::vector<Endpoint> RelayPlane::endpoints(ListenerId listener) const {
  const auto found = listeners_.find(listener);
  return found == listeners_.end() ? std::vector<Endpoint>{} : found->second;
}

}  // namespace tandem::lb::relay
