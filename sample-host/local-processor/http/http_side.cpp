// SPDX-License-Identifier: Apache-2.0
#include "local-processor/http/http_side.h"

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "local-processor/fleet_formats.h"
#include "local-processor/http/page.h"
#include "local-processor/http/views.h"
#include "local-processor/request_text.h"
#include "manifest/members.h"

namespace agones::local {

namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

constexpr char kJson[] = "application/json";
constexpr std::int64_t kMostReplicas = 1'000'000;

void answer(Response& response, const json& body) {
  // Names and labels from a file may hold any bytes.
  response.set_content(body.dump(-1, ' ', false, json::error_handler_t::replace), kJson);
}

void refuse(Response& response, int status, const std::string& why) {
  response.status = status;
  answer(response, {{"error", why}});
}

// A name that somebody else's server resolves to loopback is not ours (DNS rebinding).
bool names_this_machine(const std::string& host) {
  const std::string name = host.substr(0, host.rfind(':'));
  return name == "localhost" || name.find_first_not_of("0123456789.") == std::string::npos || name.front() == '[';
}

// Every request passes here first.
httplib::Server::HandlerResponse guard(const Request& request, Response& response) {
  if (!names_this_machine(request.get_header_value("Host"))) {
    refuse(response, 403, "the Host header is neither an address nor localhost");
    return httplib::Server::HandlerResponse::Handled;
  }
  // With this type, a browser asks before it sends what another site's page wants sent; and nobody here says yes.
  if (request.method == "POST" && request.get_header_value("Content-Type").rfind(kJson, 0) != 0) {
    refuse(response, 415, "the Content-Type must be application/json");
    return httplib::Server::HandlerResponse::Handled;
  }
  return httplib::Server::HandlerResponse::Unhandled;
}

std::string text_member(const json& body, const char* name, const char* otherwise) {
  if (!body.contains(name) && otherwise != nullptr) {
    return otherwise;
  }
  if (!body.contains(name) || !body.at(name).is_string()) {
    throw std::runtime_error(std::string(name) + ": not a text");
  }
  return body.at(name);
}

void refuse_unknown_fleet(Response& response, const std::string& space, const std::string& name) {
  refuse(response, 404, "no fleet is called " + space + "/" + name);
}

// {"apply": the Fleet's manifest}, {"scale": {"name": "blue", "replicas": 5}}, {"delete": {"name": "blue"}}
void change_fleet(const json& body, Fleet& fleet, Response& response) {
  if (body.size() != 1) {
    throw std::runtime_error("expected one of apply, scale, delete");
  }
  const std::string deed = body.begin().key();
  const json& what = body.begin().value();
  if (deed != "apply" && deed != "scale" && deed != "delete") {
    throw std::runtime_error(deed + ": none of apply, scale, delete");
  }
  if (!what.is_object()) {
    throw std::runtime_error(deed + ": expected an object");
  }
  if (deed == "apply") {
    if (manifest::member<std::string>(what, deed, "kind", "") != "Fleet") {
      throw std::runtime_error("apply.kind: not Fleet");
    }
    FileWarnings warnings;
    fleet.apply(read_fleet_object(what, deed, warnings));
    answer(response, {{"fleets", fleets_json(fleet.fleets())}, {"warnings", warnings}});
    return;
  } else {
    const std::string space = manifest::member<std::string>(what, deed, "namespace", "default");
    const std::string name = manifest::member<std::string>(what, deed, "name", "");
    bool found = false;
    if (deed == "delete") {
      found = fleet.remove_fleet(space, name);
    } else {
      if (!what.contains("replicas")) {
        throw std::runtime_error("scale.replicas: missing");
      }
      found = fleet.scale(
          space, name,
          static_cast<std::uint32_t>(manifest::whole_of(what.at("replicas"), "scale.replicas", 0, kMostReplicas)));
    }
    if (!found) {
      refuse_unknown_fleet(response, space, name);
      return;
    }
  }
  answer(response, {{"fleets", fleets_json(fleet.fleets())}});
}

// Runs what a POST asks for; bad input is answered with what is wrong.
template <typename Work>
httplib::Server::Handler post(Work work) {
  return [work](const Request& request, Response& response) {
    try {
      const json body = json::parse(request.body);
      if (!body.is_object()) {
        throw std::runtime_error("expected a JSON object");
      }
      work(body, response);
    } catch (const std::exception& error) {
      refuse(response, 400, error.what());
    }
  };
}

// What a path takes, where it takes a POST alone.
struct PostPath {
  const char* path;
  const char* takes;
};
constexpr PostPath kPostPaths[] = {
    {"/release", R"({"namespace": "default", "name": "NAME"}: ends an allocated game server's session)"},
    {"/explain", "a request or a GameServerAllocation in JSON: says why it finds what it finds"},
    {"/faults", R"(what is to change, as {"latency_ms": 50, "error_rate": 0.1}; {} changes nothing; answers with all)"},
    {"/timing", R"(what is to change, as {"updates_per_second": 400, "update_ms": 5}; answers with all)"},
    {"/serving", R"({"serving": false}: a standby; true: the leader)"},
};

// To whoever types the path into a browser, or mistypes it.
void explain_paths(httplib::Server& server) {
  for (const PostPath& of : kPostPaths) {
    server.Get(of.path, [of](const Request&, Response& response) {
      response.set_header("Allow", "POST");
      refuse(response, 405, std::string(of.path) + " takes POST, of " + of.takes + " (Content-Type: application/json)");
    });
  }
  server.set_error_handler([](const Request& request, Response& response) {
    if (response.status == 404 && response.body.empty()) {
      refuse(
          response, 404,
          "no " + request.method + " of " + request.path +
              " here; GET: /, /fleet, /fleets, /changes, /metrics; POST: /release, /fleet, /explain, /faults, /timing, "
              "/serving");
    }
  });
}

void set_up(httplib::Server& server, LocalProcessor& processor, const std::shared_ptr<Fleet>& fleet) {
  server.set_pre_routing_handler(guard);
  explain_paths(server);
  server.Get("/", [](const Request&, Response& response) { response.set_content(kPage, "text/html; charset=utf-8"); });
  server.Get("/fleet",
             [fleet](const Request&, Response& response) { answer(response, fleet_json(fleet->changes_since(0))); });
  server.Get("/changes", [fleet, &processor](const Request& request, Response& response) {
    const std::string since = request.get_param_value("since");
    if (since.size() > 18 || since.find_first_not_of("0123456789") != std::string::npos) {
      refuse(response, 400, "since: not a version");
      return;
    }
    answer(response, changes_json(fleet->changes_since(since.empty() ? 0 : std::stoull(since)), fleet->fleets(),
                                  processor.counts(), processor.serving(), processor.faults()));
  });
  server.Get("/metrics", [fleet, &processor](const Request&, Response& response) {
    response.set_content(metrics_text(fleet->states(), processor.counts(), processor.serving()),
                         "text/plain; version=0.0.4");
  });
  server.Post("/release", post([fleet](const json& body, Response& response) {
                const std::string space = text_member(body, "namespace", "default");
                const std::string name = text_member(body, "name", nullptr);
                if (fleet->end_session(space, name)) {
                  answer(response, {{"released", space + "/" + name}});
                } else {
                  refuse(response, 404, "no game server " + space + "/" + name + " is allocated");
                }
              }));
  server.Get("/fleets", [fleet](const Request&, Response& response) {
    answer(response, {{"fleets", fleets_json(fleet->fleets())}});
  });
  server.Post("/fleet", post([fleet](const json& body, Response& response) { change_fleet(body, *fleet, response); }));
  server.Post("/explain", post([fleet](const json& body, Response& response) {
                answer(response, explanation_json(fleet->explain(request_from(body))));
              }));
  server.Post("/faults", post([&processor](const json& body, Response& response) {
                processor.set_faults(changed_faults(processor.faults(), body));
                answer(response, faults_json(processor.faults()));
              }));
  server.Post("/timing", post([&processor](const json& body, Response& response) {
                const std::optional<UpdateTiming> updates = processor.updates();
                if (!updates) {
                  refuse(response, 409, "allocations take no time: start it with --like-agones or another timing");
                  return;
                }
                processor.set_updates(changed_updates(*updates, body));
                answer(response, updates_json(*processor.updates()));
              }));
  server.Post("/serving", post([&processor](const json& body, Response& response) {
                if (!body.contains("serving") || !body.at("serving").is_boolean()) {
                  throw std::runtime_error("serving: not true or false");
                }
                processor.set_serving(body.at("serving"));
                answer(response, {{"serving", processor.serving()}});
              }));
}

}  // namespace

HttpSide::HttpSide(const std::string& address, LocalProcessor& processor, std::shared_ptr<Fleet> fleet)
    : server_(address, [&](httplib::Server& server) { set_up(server, processor, fleet); }) {}

}  // namespace agones::local
