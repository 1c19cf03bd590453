#include "app/health_thread.hpp"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <future>

namespace tandem::app {

HealthThread::HealthThread(std::uint64_t seed, Log log, healthcheck::Monitor::OnReport on_report)
    : work_(context_.get_executor()), monitor_(context_, seed, std::move(log), std::move(on_report)), thread_([this] {
        pthread_setname_np(pthread_self(), "health");
        context_.run();
      }) {}

HealthThread::~HealthThread() {
  boost::asio::post(context_, [this] {
    monitor_.stop();
    work_.reset();
  });
  thread_.join();
}

void HealthThread::set_targets(std::vector<healthcheck::Target> targets) {
  boost::asio::post(context_,
                    [this, targets = std::move(targets)]() mutable { monitor_.set_targets(std::move(targets)); });
}

void HealthThread::probe_now(std::vector<BackendId> backends) {
  boost::asio::post(context_, [this, backends = std::move(backends)] {
    for (const BackendId backend : backends) {
      monitor_.probe_now(backend);
    }
  });
}

void HealthThread::set_urgent(ClusterId cluster, bool urgent) {
  boost::asio::post(context_, [this, cluster, urgent] { monitor_.set_urgent(cluster, urgent); });
}

std::vector<std::shared_ptr<const healthcheck::ProbeStats>> HealthThread::stats(std::vector<ClusterId> clusters) {
  std::promise<std::vector<std::shared_ptr<const healthcheck::ProbeStats>>> promise;
  auto answer = promise.get_future();
  boost::asio::post(context_, [&] {
    std::vector<std::shared_ptr<const healthcheck::ProbeStats>> out;
    out.reserve(clusters.size());
    for (const ClusterId cluster : clusters) {
      out.push_back(monitor_.stats(cluster));
    }
    promise.set_value(std::move(out));
  });
  return answer.get();
}

}  // namespace tandem::app
