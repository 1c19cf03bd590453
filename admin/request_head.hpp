#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>

#include "admin/router.hpp"

namespace tandem::admin {

/// What the router wants to know of a request that Beast has parsed. Brings Beast along: for those who have it anyway.
inline Request head_of(const boost::beast::http::request<boost::beast::http::string_body>& parsed) {
  Request request;
  request.method = std::string(parsed.method_string());
  request.target = std::string(parsed.target());
  request.host_required = parsed.version() >= 11;
  const auto hosts = parsed.equal_range(boost::beast::http::field::host);
  for (auto host = hosts.first; host != hosts.second; ++host) {
    request.hosts.emplace_back(host->value());
  }
  request.authorization = std::string(parsed[boost::beast::http::field::authorization]);
  request.accept = std::string(parsed[boost::beast::http::field::accept]);
  request.last_event_id = std::string(parsed["Last-Event-ID"]);
  return request;
}

}  // namespace tandem::admin
