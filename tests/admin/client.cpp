#include "admin/client.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <string>
#include <thread>

#include "admin/json.hpp"
#include "tests/admin/running_server.hpp"

namespace tandem::admin {

namespace {

using namespace std::chrono_literals;

ClientOptions at(std::string address) {
  ClientOptions options;
  options.address = std::move(address);
  return options;
}

ClientRequest get(std::string target) {
  ClientRequest request;
  request.target = std::move(target);
  return request;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("admin/client") {
  TEST_CASE("status comes over the unix socket and over TCP") {
    RunningServer running;
    ClientRequest request = get("/api/v1/status");
    request.accept = "text/plain";

    for (const std::string& address :
         {running.options.socket, "unix:" + running.options.socket, running.url(), running.url() + "/"}) {
      CAPTURE(address);
      const auto response = ask(at(address), request);
      REQUIRE(response.has_value());
      CHECK(response->status == 200);
      CHECK(response->content_type == "text/plain; charset=utf-8");
      CHECK(message(*response).starts_with("Tandem 0.1.0 on lb-a"));
    }
  }

  TEST_CASE("a name resolves") {
    RunningServer running;

    const auto response = ask(at("http://localhost:" + std::to_string(running.port)), get("/healthz"));

    REQUIRE(response.has_value());
    CHECK(response->body == "ok\n");
  }

  TEST_CASE("a command over TCP takes its token from a file") {
    const Folder folder;
    const std::string token = folder / "token";
    std::ofstream(token) << "s3cret\n";
    RunningServer running({}, token);
    ClientRequest command = get("/api/v1/clusters/orders/backends/" + percent_encoded("pg-1") + "/drain");
    command.method = "POST";
    OrderBody body;
    body.lasts = 10min;
    command.body = order_json(body);
    ClientOptions options = at(running.url());

    const auto refused = ask(options, command);
    REQUIRE(refused.has_value());
    CHECK(refused->status == 401);
    CHECK(contains(message(*refused), "needs a token"));

    options.token_file = token;
    const auto done = ask(options, command);
    REQUIRE(done.has_value());
    CHECK(done->status == 200);
    CHECK(message(*done) == "orders/pg-1: drain");
    running.on_thread([&] { CHECK((running.control.last_lasts == 10min)); });
  }

  TEST_CASE("where nobody answers the error says where and why") {
    const Folder folder;
    const std::string path = folder / "admin.sock";
    CHECK(ask(at(path), get("/")).error().text ==
          "no Tandem answers at " + path + ": No such file or directory; is it running? --admin tells where");

    std::string url;
    {
      RunningServer running;
      url = running.url();
    }
    CHECK(ask(at(url), get("/")).error().text ==
          "no Tandem answers at " + url + ": Connection refused; is it running? --admin tells where");
  }

  TEST_CASE("an address without its http is told how it is written") {
    CHECK(contains(ask(at("127.0.0.1:8404"), get("/")).error().text, "write http://127.0.0.1:8404"));
    CHECK(contains(ask(at("localhost:8404"), get("/")).error().text, "write http://localhost:8404"));
    CHECK(contains(ask(at("./a:1"), get("/")).error().text, "No such file"));
  }

  TEST_CASE("a server that speaks something else is told at once") {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
    boost::asio::ip::tcp::socket peer(context);
    acceptor.async_accept(peer, [&](const boost::system::error_code&) {
      boost::asio::write(peer, boost::asio::buffer(std::string("SSH-2.0-junk\r\n")));
    });
    std::thread server([&] { context.run(); });
    const std::string url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());

    const auto response = ask(at(url), get("/"));
    server.join();

    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().text == "what answers at " + url + " does not speak HTTP, so it is no Tandem");
  }

  TEST_CASE("an address that makes no sense is an error") {
    CHECK(contains(ask(at(""), get("/")).error().text, "--admin tells where"));
    CHECK(contains(ask(at("https://x"), get("/")).error().text, "only http://"));
    CHECK(contains(ask(at("http://"), get("/")).error().text, "not http://HOST:PORT"));
    CHECK(contains(ask(at(std::string(200, 'x')), get("/")).error().text, "name too long"));
  }

  TEST_CASE("a node that does not answer in time is said to be so") {
    RunningServer running;
    running.on_thread([&] { running.control.hold_reload = true; });
    ClientRequest command = get("/api/v1/reload");
    command.method = "POST";
    ClientOptions options = at(running.options.socket);
    options.timeout = 50ms;

    const auto response = ask(options, command);

    REQUIRE_FALSE(response.has_value());
    CHECK(contains(response.error().text, "does not answer within 50ms"));
  }

  TEST_CASE("names are encoded for a path") {
    CHECK(percent_encoded("pg-0.a_b~") == "pg-0.a_b~");
    CHECK(percent_encoded("a/b c%?") == "a%2Fb%20c%25%3F");
    CHECK(percent_encoded("caf\xc3\xa9") == "caf%C3%A9");
  }
}

}  // namespace tandem::admin
