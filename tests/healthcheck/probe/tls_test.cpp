#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "healthcheck/check_options.hpp"
#include "healthcheck/probe/recipe.hpp"
#include "tests/healthcheck/support/fake_server.hpp"
#include "tests/healthcheck/support/probe_once.hpp"
#include "tests/healthcheck/support/tls_server.hpp"

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;
using testing::Certificate;
using testing::Ending;
using testing::FakeServer;
using testing::Folder;
using testing::make_certificate;
using testing::Outcome;
using testing::Peer;
using testing::probe_once;
using testing::TlsServer;
using Wants = TlsServer::ClientCertificate;

constexpr const char* kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// An authority, a server certificate of its and their files.
struct Trust {
  Trust() {
    authority.save(ca_file, "");
    server.save(folder.path("server.pem"), folder.path("server.key"));
  }

  Folder folder;
  std::string ca_file = folder.path("ca.pem");
  Certificate authority = make_certificate("DNS:authority.example", nullptr);
  Certificate server = make_certificate("DNS:shop.example,IP:127.0.0.1", &authority);
};

/// Trusts `ca_file` and wants `server_name`.
TlsOptions trusting(const std::string& ca_file, const std::string& server_name = {}) {
  TlsOptions tls;
  tls.ca_file = ca_file;
  tls.server_name = server_name;
  return tls;
}

TlsOptions identity(const std::string& cert_file, const std::string& key_file) {
  TlsOptions tls;
  tls.cert_file = cert_file;
  tls.key_file = key_file;
  return tls;
}

ProbeOptions https(TlsOptions tls, std::string host = {}) {
  HttpProbeOptions kind;
  kind.host = std::move(host);
  kind.tls = std::move(tls);
  ProbeOptions options;
  options.kind = std::move(kind);
  options.timeout = 5s;
  return options;
}

TEST_SUITE("healthcheck/probe/tls") {
  TEST_CASE("a certificate that a known authority signed for the name is accepted and the ending is polite") {
    const Trust trust;
    Outcome outcome;
    std::optional<TlsServer> server(std::in_place, trust.server, trust.authority, Wants::none, kAnswer);
    outcome = probe_once(server->endpoint(), https(trusting(trust.ca_file, "shop.example")));

    CHECK(outcome.verdict.reason == "HTTP 200");
    CHECK(outcome.verdict.reachable);
    CHECK(server->server_name.with([](const std::string& name) { return name; }) == "shop.example");
    for (int n = 0; n < 200 && server->ending == Ending::still_there; ++n) {
      std::this_thread::sleep_for(10ms);
    }
    CHECK(server->heard_close_notify);
    CHECK(server->ending == Ending::fin);
  }

  TEST_CASE("without a server name the address must be in the certificate") {
    const Trust trust;
    const Certificate other = make_certificate("IP:192.0.2.1", &trust.authority);
    TlsServer right(trust.server, trust.authority, Wants::none, kAnswer);
    TlsServer wrong(other, trust.authority, Wants::none, kAnswer);

    CHECK(probe_once(right.endpoint(), https(trusting(trust.ca_file))).verdict.reason == "HTTP 200");
    CHECK(right.server_name.with([](const std::string& name) { return name; }).empty());
    CHECK(probe_once(wrong.endpoint(), https(trusting(trust.ca_file))).verdict.reason ==
          "certificate: IP address mismatch");
  }

  TEST_CASE("the host of the request is the name to verify where none is given") {
    const Trust trust;
    TlsServer server(trust.server, trust.authority, Wants::none, kAnswer);

    CHECK(probe_once(server.endpoint(), https(trusting(trust.ca_file), "shop.example:8443")).verdict.reachable);
    CHECK(probe_once(server.endpoint(), https(trusting(trust.ca_file), "bank.example")).verdict.reason ==
          "certificate: hostname mismatch");
  }

  TEST_CASE("a stranger's certificate is refused with its fault") {
    const Trust trust;
    const Trust stranger;
    const Certificate alone = make_certificate("DNS:shop.example", nullptr);
    TlsServer unknown(stranger.server, stranger.authority, Wants::none, kAnswer);
    TlsServer self_signed(alone, alone, Wants::none, kAnswer);
    const TlsOptions tls = trusting(trust.ca_file, "shop.example");

    CHECK(probe_once(unknown.endpoint(), https(tls)).verdict.reason ==
          "certificate: self-signed certificate in certificate chain");
    CHECK(probe_once(self_signed.endpoint(), https(tls)).verdict.reason == "certificate: self-signed certificate");
    TlsOptions careless;
    careless.verify = false;
    CHECK(probe_once(self_signed.endpoint(), https(careless)).verdict.reachable);
  }

  TEST_CASE("a client certificate is shown where the server wants one") {
    const Trust trust;
    const Certificate client = make_certificate("DNS:tandem.example", &trust.authority);
    client.save(trust.folder.path("client.pem"), trust.folder.path("client.key"));
    TlsServer server(trust.server, trust.authority, Wants::required, kAnswer);
    TlsOptions tls = trusting(trust.ca_file, "shop.example");

    const Outcome without = probe_once(server.endpoint(), https(tls));
    tls.cert_file = trust.folder.path("client.pem");
    tls.key_file = trust.folder.path("client.key");

    CHECK_FALSE(without.verdict.reachable);
    CHECK(without.verdict.reason.find("certificate required") != std::string::npos);
    CHECK(probe_once(server.endpoint(), https(tls)).verdict.reason == "HTTP 200");
  }

  TEST_CASE("a server that does not speak TLS is told from one that is silent") {
    const Trust trust;
    FakeServer plain([](Peer& peer) { peer.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
    FakeServer closing([](Peer& peer) { peer.read_some(); });
    const ProbeOptions options = https(trusting(trust.ca_file, "shop.example"));

    CHECK(probe_once(plain.endpoint(), options).verdict.reason == "TLS: wrong version number");
    CHECK(probe_once(closing.endpoint(), options).verdict.reason == "closed in TLS handshake");
  }

  TEST_CASE("32 handshakes run at a time and waiting for a turn is no failure") {
    const Trust trust;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    FakeServer slow([&](Peer& peer) {
      peer.read_some();  // the client's first words: its handshake runs
      most = std::max(most.load(), ++inside);
      std::this_thread::sleep_for(200ms);
      --inside;
    });
    ProbeOptions options = https(trusting(trust.ca_file));
    options.timeout = 350ms;  // less than the third round's 400 ms
    const Target whom = testing::target(slow.endpoint(), options);
    boost::asio::io_context context(1);
    const auto surroundings = std::make_shared<Surroundings>(context);
    const ProbeRecipe recipe(surroundings, whom.probe);
    std::map<std::string, int> reasons;
    std::vector<std::shared_ptr<Probe>> probes;
    for (int n = 0; n < 80; ++n) {
      probes.push_back(recipe.make(whom));
      probes.back()->start({}, [&reasons](const Verdict& verdict, Evidence) { ++reasons[verdict.reason]; });
    }

    context.run_for(10s);

    CHECK(reasons == std::map<std::string, int>{{"closed in TLS handshake", 80}});
    CHECK(most <= 32);
    CHECK(most > 8);
  }

  TEST_CASE("files that cannot be read are named when checked and in every verdict") {
    const Trust trust;
    trust.folder.write("junk.pem", "not a certificate\n");
    const std::string missing = trust.folder.path("missing.pem");
    const FakeServer server([](Peer&) {});

    CHECK(check_tls(trusting(trust.ca_file)).has_value());
    CHECK(check_tls({}).has_value());
    CHECK(check_tls(trusting(missing)).error().text == concat("ca_file \"", missing, "\": No such file or directory"));
    CHECK(check_tls(trusting(trust.folder.path("junk.pem"))).has_error());
    CHECK(check_tls(identity(trust.folder.path("server.pem"), missing)).error().text ==
          concat("key_file \"", missing, "\": No such file or directory"));
    const Outcome outcome = probe_once(server.endpoint(), https(trusting(missing)));
    CHECK(outcome.verdict.reason == concat("ca_file \"", missing, "\": No such file or directory"));
    CHECK(server.accepted() == 0);
  }

  TEST_CASE("a key of another certificate is refused") {
    const Trust trust;
    const Certificate other = make_certificate("DNS:other.example", &trust.authority);
    other.save(trust.folder.path("other.pem"), trust.folder.path("other.key"));

    const auto checked = check_tls(identity(trust.folder.path("server.pem"), trust.folder.path("other.key")));

    REQUIRE(checked.has_error());
    CHECK(checked.error().text.find("other.key") != std::string::npos);
  }
}

}  // namespace
}  // namespace tandem::healthcheck
