#include "admin/dispatch.hpp"

#include <utility>

#include "admin/json.hpp"
#include "admin/text.hpp"
#include "base/text.hpp"
#include "metrics/exporter.hpp"

namespace tandem::admin {

namespace {

Reply ok(std::string_view content_type, std::string body) {
  Reply reply;
  reply.content_type = content_type;
  reply.body = std::move(body);
  return reply;
}

Reply plain_text(std::string body) { return ok("text/plain; charset=utf-8", std::move(body)); }

Reply readiness_reply(const Readiness& readiness, std::string_view yes, std::string_view no) {
  if (readiness.ready) {
    return plain_text(concat(yes, "\n"));
  }
  Reply reply = plain_text(concat(no, "\n"));
  reply.status = 503;
  for (const std::string& reason : readiness.reasons) {
    reply.body += reason + "\n";
  }
  return reply;
}

unsigned status_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::done: return 200;
    case Outcome::bad_request: return 400;
    case Outcome::not_found: return 404;
    case Outcome::conflict: return 409;
    case Outcome::failed: break;
  }
  return 500;
}

Reply answer_reply(const Answer& answer) {
  if (answer.outcome == Outcome::done) {
    return ok("application/json", lines_json(answer.lines));
  }
  return error_reply(status_of(answer.outcome), join(answer.lines, "\n"));
}

Reply metrics_reply(metrics::Format format, Control& control,
                    const std::function<void(metrics::Collection&)>& add_own) {
  metrics::Collection collection = control.collect();
  add_own(collection);
  return ok(metrics::content_type(format), metrics::expose(collection, format));
}

Reply events_reply(const Call& call, Control& control) {
  const EventLog& log = control.events();
  return ok("application/json", events_json(log.since(call.since.value_or(0)), log.newest()));
}

BackendOrder order_of(const Call& call, const std::string& who) {
  BackendOrder order;
  order.cluster = call.cluster;
  order.backend = call.backend;
  order.lasts = call.lasts;
  order.reason = call.reason;
  order.who = who;
  return order;
}

}  // namespace

void dispatch(const Call& call, const std::string& who, Control& control,
              const std::function<void(metrics::Collection&)>& add_own, std::function<void(Reply)> done) {
  switch (call.action) {
    case Action::page:
    case Action::status_text: return done(plain_text(status_text(control.view(), call.colour)));
    case Action::status: return done(ok("application/json", status_json(control.view())));
    case Action::metrics: return done(metrics_reply(call.format, control, add_own));
    case Action::healthz: return done(readiness_reply(control.health(), "ok", "not healthy"));
    case Action::readyz: return done(readiness_reply(control.readiness(), "ready", "not ready"));
    case Action::events:
    case Action::live_events: return done(events_reply(call, control));
    case Action::drain: return done(answer_reply(control.drain(order_of(call, who))));
    case Action::ready: return done(answer_reply(control.ready(order_of(call, who))));
    case Action::promote: return done(answer_reply(control.promote(order_of(call, who))));
    case Action::handover: return done(answer_reply(control.handover(call.instance, who)));
    case Action::reload: break;
  }
  control.reload(who, [done = std::move(done)](const Answer& answer) { done(answer_reply(answer)); });
}

}  // namespace tandem::admin
