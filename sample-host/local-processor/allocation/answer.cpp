// SPDX-License-Identifier: Apache-2.0
#include "local-processor/allocation/answer.h"

#include <grpcpp/support/status.h>

#include <cstdio>
#include <ctime>

namespace agones::local {

int code_of_http_status(int http_status) {
  switch (http_status) {
    case 200:
      return grpc::StatusCode::OK;
    case 400:
    case 422:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case 401:
      return grpc::StatusCode::UNAUTHENTICATED;
    case 403:
      return grpc::StatusCode::PERMISSION_DENIED;
    case 404:
      return grpc::StatusCode::NOT_FOUND;
    case 409:
      return grpc::StatusCode::ALREADY_EXISTS;
    case 499:
      return grpc::StatusCode::CANCELLED;
    case 500:
      return grpc::StatusCode::INTERNAL;
    case 501:
      return grpc::StatusCode::UNIMPLEMENTED;
    case 503:
      return grpc::StatusCode::UNAVAILABLE;
    case 504:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    default:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
  }
}

AllocationResult none_left(int http_status) {
  const int code = code_of_http_status(http_status);
  if (code == grpc::StatusCode::OK) {
    return {};
  }
  return {code, "there is no available GameServer to allocate"};
}

void write_response(const GameServer& server, allocation::AllocationResponse& response) {
  response.set_gameservername(server.name);
  response.set_address(server.address);
  response.set_nodename(server.node);
  response.set_source("local");
  for (const GameServer::Port& port : server.ports) {
    auto* added = response.add_ports();
    added->set_name(port.name);
    added->set_port(port.port);
  }
  for (const GameServer::Address& address : server.addresses) {
    auto* added = response.add_addresses();
    added->set_type(address.type);
    added->set_address(address.address);
  }
  auto* metadata = response.mutable_metadata();
  metadata->mutable_labels()->insert(server.labels.begin(), server.labels.end());
  metadata->mutable_annotations()->insert(server.annotations.begin(), server.annotations.end());
  for (const auto& [name, counter] : server.counters) {
    auto& status = (*response.mutable_counters())[name];
    status.mutable_count()->set_value(counter.count);
    status.mutable_capacity()->set_value(counter.capacity);
  }
  for (const auto& [name, list] : server.lists) {
    auto& status = (*response.mutable_lists())[name];
    status.mutable_values()->Add(list.values.begin(), list.values.end());
    status.mutable_capacity()->set_value(list.capacity);
  }
}

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::time_t whole = seconds.count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[40];
  std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const auto nanoseconds = static_cast<long>((since_epoch - seconds).count());
  if (nanoseconds > 0) {
    size += static_cast<std::size_t>(std::snprintf(text + size, sizeof text - size, ".%09ld", nanoseconds));
    while (text[size - 1] == '0') {
      --size;
    }
  }
  return std::string(text, size) + "Z";
}

}  // namespace agones::local
