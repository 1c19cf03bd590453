#include "lb/relay/session_log.hpp"

#include "base/text.hpp"
#include "lb/relay/listener.hpp"

namespace tandem::lb::relay {

std::vector<LogField> session_fields(const Session& session, Cause cause, Instant now) {
  std::vector<LogField> fields;
  fields.reserve(13);
  fields.emplace_back("client", to_string(session.client_address));
  fields.emplace_back("listener", session.listener->options().name);
  if (session.choice) {
    fields.emplace_back("pool", session.choice->pool_options->name);
    fields.emplace_back("backend", concat(session.choice->backend->cluster, '/', session.choice->backend->name));
    fields.emplace_back("role", to_string(session.choice->role));
  } else {
    fields.emplace_back("pool", session.listener->options().pool);
  }
  fields.emplace_back("attempts", session.attempts);
  fields.emplace_back("held", rounded(session.held_for));
  fields.emplace_back("queued", rounded(session.queued_for));
  fields.emplace_back("connect", rounded(session.connect_took));
  fields.emplace_back("total", rounded(now - session.arrived));
  fields.emplace_back("received", session.to_backend.received());
  fields.emplace_back("sent", session.to_client.sent());
  fields.emplace_back("cause", to_string(cause));
  return fields;
}

}  // namespace tandem::lb::relay
