// SPDX-License-Identifier: Apache-2.0
#include "check/processor_check.h"

#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "base/read_file.h"
#include "check/connection.h"
#include "check/replica.h"
#include "stream/address.h"
#include "stream/endpoint.h"
#include "stream/system_ca.h"

namespace check {

namespace {

using Clock = std::chrono::steady_clock;

constexpr char kNowhere[] = "agones-processor-check-has-no-game-servers";
constexpr int kUnimplemented = 12;
constexpr int kResourceExhausted = 8;
constexpr int kDeadlineExceeded = 4;

std::string milliseconds(Clock::duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", std::chrono::duration<double, std::milli>(time).count());
  return text;
}

using agones::plugin::Address;
using agones::plugin::read_file;

// "10.0.0.1:9090", "[::1]:9090"
std::string text_of(const Address& address) {
  return address.target.substr(address.target.find(':') + 1);
}

// The plugin's, where the config names none.
std::string system_authorities() {
  using namespace agones::plugin;
  return read_file(first_readable(system_ca_files(secure_getenv))) + "\n" + system_ca_folders(secure_getenv);
}

class ProcessorCheck {
 public:
  explicit ProcessorCheck(const ProcessorOptions& options) : options_(options), credentials_(make_credentials()) {
    if (!options.allocate.empty()) {
      auto& wrapper = *allocation_.add_requests();
      wrapper.set_request_id("allocation");
      auto& request = *wrapper.mutable_request();
      const auto status = google::protobuf::util::JsonStringToMessage(options.allocate, &request);
      if (!status.ok()) {
        throw std::runtime_error("the request: " + std::string(status.message()));
      }
      if (request.namespace_().empty()) {
        request.set_namespace_(options.name_space);
      }
    }
  }

  Findings run() {
    const std::vector<Address> addresses = look_up();
    std::vector<Address> leaders;
    std::size_t standbys = 0;
    for (const Address& address : addresses) {
      if (!speaks_as_asked(address)) {
        continue;
      }
      const Health health = health_of(address);
      standbys += health == Health::kNotServing ? 1 : 0;
      if (health == Health::kServing) {
        leaders.push_back(address);
      }
    }
    if (leaders.empty() && standbys == 0) {
      return findings_;  // none of them is a processor, or none can be asked
    }
    if (leaders.empty()) {
      findings_.bad("leader", "no replica is the leader: nothing is allocated",
                    "leader election goes by the Lease agones-processor-lock in Agones' namespace: see who holds it, "
                    "and the processors' logs");
      return findings_;
    }
    if (leaders.size() > 1) {
      findings_.bad("leader", std::to_string(leaders.size()) + " replicas say that they are the leader",
                    "are they of one cluster? A name that several clusters share can't be used");
    }
    check_leader(leaders.front());
    return findings_;
  }

 private:
  std::shared_ptr<grpc::ChannelCredentials> make_credentials() const {
    if (!options_.tls) {
      return grpc::InsecureChannelCredentials();
    }
    return grpc::SslCredentials({options_.tls_ca.empty() ? system_authorities() : read_file(options_.tls_ca),
                                 read_file(options_.tls_key), read_file(options_.tls_certificate)});
  }

  Replica replica_at(const Address& address) const {
    // A certificate is for the name, not for the address behind it.
    return {address, credentials_,
            !options_.tls                      ? ""
            : options_.tls_server_name.empty() ? address.host
                                               : options_.tls_server_name};
  }

  std::vector<Address> look_up() {
    std::vector<agones::plugin::Endpoint> endpoints;
    const agones::plugin::Result parsed = agones::plugin::parse_endpoints(options_.address, endpoints);
    if (!parsed.ok()) {
      throw std::runtime_error(parsed.text);
    }
    std::vector<Address> addresses;
    for (const auto& endpoint : endpoints) {
      const auto resolved = agones::plugin::resolve({endpoint});
      if (!resolved.problem.empty()) {
        findings_.bad("resolve",
                      endpoint.host + " can't be resolved" + resolved.problem.substr(resolved.problem.rfind(": ")),
                      "in the cluster the Service is agones-processor, in Agones' namespace: "
                      "agones-processor.agones-system.svc.cluster.local. "
                      "It is there only with the feature gate ProcessorAllocator=true (helm: agones.featureGates)");
        continue;
      }
      std::string names;
      for (const Address& address : resolved.addresses) {
        names += (names.empty() ? "" : ", ") + text_of(address);
        addresses.push_back(address);
      }
      findings_.good("resolve", endpoint.host + " is " + names);
    }
    return addresses;
  }

  bool speaks_as_asked(const Address& address) {
    const Connection connection = connect_to(text_of(address), options_.patience);
    if (!connection.problem.empty()) {
      findings_.bad("connect", text_of(address) + ": " + connection.problem,
                    connection.timed_out ? "a NetworkPolicy or a firewall drops the packets, or the pod is gone: allow "
                                           "this pod to reach port 9090 of the processor's"
                    : connection.refused
                        ? "nothing listens there: is the processor running, and is this its gRPC port (9090)?"
                        : "is the address right, and is there a route to it?");
      return false;
    }
    const std::string reached = text_of(address) + " is reached in " + milliseconds(connection.time);
    switch (connection.speaks) {
      case Speaks::kPlaintextHttp2:
        if (options_.tls) {
          findings_.bad(
              "connect", reached + ", but speaks plaintext, and TLS was asked for",
              "the processor itself has no TLS: connect with transport=plaintext, or go through what adds TLS");
          return false;
        }
        findings_.good("connect", reached + ", speaks HTTP/2 in plaintext");
        return true;
      case Speaks::kSomethingElse:
        findings_.bad("connect", reached + ", but does not speak HTTP/2",
                      "is this the gRPC port (9090)? Probes and metrics are on 8080");
        return false;
      default:
        // TLS servers differ in what they make of plaintext: an alert, or the end of the connection.
        if (!options_.tls) {
          findings_.bad("connect",
                        reached + (connection.speaks == Speaks::kTls ? ", but speaks TLS, and plaintext was asked for"
                                                                     : ", but answers nothing in plaintext"),
                        "try --tls, with --tls-ca if its authority is your own; the plugin: transport=tls");
          return false;
        }
        findings_.good("connect", reached);
        return true;
    }
  }

  Health health_of(const Address& address) {
    const HealthAnswer answer = replica_at(address).ask_for_health(options_.patience);
    switch (answer.health) {
      case Health::kServing:
        findings_.good("health", text_of(address) + " is the leader");
        break;
      case Health::kNotServing:
        findings_.good("health", text_of(address) + " is a standby");
        break;
      case Health::kUnknownService:
        findings_.bad(
            "health",
            text_of(address) + " is no processor: it knows no health of \"processor\" (" + answer.problem + ")",
            "is this the allocator's (agones-allocator) or another service's address? Agones has the "
            "processor since v1.54, behind the feature gate ProcessorAllocator");
        break;
      case Health::kNoGrpc:
        findings_.bad("health",
                      text_of(address) + " is no processor: " + (options_.tls ? "TLS works, but " : "") +
                          "it answers with HTTP status " + answer.problem + ", not with gRPC",
                      "is this the Kubernetes API's or another web server's address? The processor's Service is "
                      "agones-processor, its port 9090");
        break;
      default:
        findings_.bad("health", text_of(address) + ": " + answer.problem,
                      options_.tls ? "with TLS: is the authority right (--tls-ca), is the certificate for this name "
                                     "(--tls-server-name), does it want one of yours (--tls-certificate, --tls-key)?"
                                   : "is this the gRPC port of the processor (9090)?");
        break;
    }
    return answer.health;
  }

  void check_leader(const Address& leader) {
    const Replica replica = replica_at(leader);
    if (!check_pulls(replica)) {
      return;
    }
    check_decisions(replica);
    if (!options_.allocate.empty()) {
      check_allocation(replica);
    }
  }

  // Each conversation registers anew: an id that is used again is forgotten when the first ends.
  std::string next_id() { return "agones-processor-check-" + std::to_string(getpid()) + "." + std::to_string(++ids_); }

  bool check_pulls(const Replica& replica) {
    const auto patience = options_.patience + options_.pulls * std::chrono::milliseconds(1000);
    const Replica::Pulls pulls = replica.count_pulls(next_id(), options_.pulls, patience);
    if (pulls.times.size() >= options_.pulls) {
      std::string text = "it registers, and is pulled";
      if (options_.pulls > 1) {
        const auto interval = (pulls.times.back() - pulls.times.front()) / (options_.pulls - 1);
        text += " every " + milliseconds(interval) + " (" + std::to_string(options_.pulls) + " pulls)";
      }
      findings_.good("pulls", text);
      return true;
    }
    if (pulls.code == kUnimplemented) {
      findings_.bad("pulls", "it does not know allocation.Processor/StreamBatches",
                    "this Agones is older than v1.54, or this is another service");
    } else if (pulls.code == kDeadlineExceeded) {
      findings_.bad(
          "pulls",
          "registered, but pulled only " + std::to_string(pulls.times.size()) + " times in " + milliseconds(patience),
          "a leader pulls every 200 ms (pullInterval): see the processor's logs; did it lose its lease?");
    } else {
      findings_.bad("pulls", "the stream ended: " + pulls.problem, "see the processor's logs");
    }
    return false;
  }

  // Of what can't allocate anything: no game server is in that namespace, and a bad expression is refused by who knows expressions.
  void check_decisions(const Replica& replica) {
    allocation::BatchRequest probes;
    probes.set_batch_id("probes");
    for (const char* id : {"none-left", "expression"}) {
      auto& wrapper = *probes.add_requests();
      wrapper.set_request_id(id);
      wrapper.mutable_request()->set_namespace_(kNowhere);
    }
    auto& expression =
        *probes.mutable_requests(1)->mutable_request()->add_gameserverselectors()->add_matchexpressions();
    expression.set_key("key");
    const Replica::Answer answer = replica.ask(next_id(), probes, options_.patience);
    if (!answer.problem.empty() || answer.response.responses_size() != probes.requests_size()) {
      findings_.bad("decisions", "a batch was not answered: " + answer.problem,
                    "see the processor's logs; a slow API server makes it slow");
      return;
    }
    findings_.good("decisions", "a batch is answered in " + milliseconds(answer.time));
    const auto& none_left = answer.response.responses(0);
    const int code = none_left.error().code();
    findings_.add(
        {"none-left", code == kResourceExhausted ? Finding::Status::kGood : Finding::Status::kNote,
         code == 0 ? "'no game server is left' is said by an empty answer (http-unallocated-status-code 200)"
                   : "'no game server is left' is said with code " + std::to_string(code) + ": " +
                         none_left.error().message(),
         code == kResourceExhausted ? "" : "not Agones' default (8): hosts that look for code 8 have to know"});
    if (answer.response.responses(1).error().message().find("is invalid") == std::string::npos) {
      findings_.note("version", "it does not look at matchExpressions: this Agones is older than v1.59",
                     "requests with matchExpressions match more game servers than they should");
    } else {
      findings_.good("version", "it knows matchExpressions: Agones v1.59 or newer");
    }
  }

  void check_allocation(const Replica& replica) {
    allocation_.set_batch_id("allocation");
    const Replica::Answer answer = replica.ask(next_id(), allocation_, options_.patience);
    if (!answer.problem.empty() || answer.response.responses_size() != 1) {
      findings_.bad("allocate", "the allocation was not answered: " + answer.problem,
                    "a game server may be allocated all the same: look for one with kubectl get gameservers");
      return;
    }
    const auto& result = answer.response.responses(0);
    if (result.has_error()) {
      findings_.bad(
          "allocate", "refused with code " + std::to_string(result.error().code()) + ": " + result.error().message(),
          result.error().code() == kResourceExhausted
              ? "is a game server of that namespace ready, and do its labels match? kubectl get gameservers -n " +
                    allocation_.requests(0).request().namespace_()
              : "the message says why");
      return;
    }
    const auto& response = result.response();
    std::string ports;
    for (const auto& port : response.ports()) {
      ports += (ports.empty() ? ":" : ",") + std::to_string(port.port());
    }
    findings_.good("allocate", "allocated " + response.gameservername() + " at " + response.address() + ports + " on " +
                                   response.nodename() + " in " + milliseconds(answer.time));
  }

  const ProcessorOptions& options_;
  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  allocation::BatchRequest allocation_;
  Findings findings_;
  int ids_ = 0;
};

}  // namespace

Findings check_processor(const ProcessorOptions& options) {
  return ProcessorCheck(options).run();
}

}  // namespace check
