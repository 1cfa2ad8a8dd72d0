// SPDX-License-Identifier: Apache-2.0
// Writes the seed corpora into FOLDER/{fleet_file,json_request,protobuf_request,request_writer,server_message}: make_corpus FOLDER
#include <allocation/processor.pb.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "support/requests.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_corpus FOLDER\n";
    return 2;
  }
  const std::filesystem::path root = argv[1];
  int number = 0;
  const auto write = [&](const char* kind, const std::string& bytes) {
    std::filesystem::create_directories(root / kind);
    std::ofstream(root / kind / std::to_string(++number), std::ios::binary) << bytes;
  };
  for (const char* json : agones::test::kGoodJsonRequests) {
    write("json_request", json);
  }
  for (const auto& [json, problem] : agones::test::kBadJsonRequests) {
    write("json_request", json);
  }
  write("fleet_file",
        R"({"gameServers":[{"fleet":"a","replicas":2,"serversPerNode":1,"namespace":"n","labels":{"l":"v"},)"
        R"("address":"192.0.2.1","node":"n","ports":{"p":7000},"counters":{"c":{"count":1,"capacity":2}},)"
        R"("lists":{"l":{"values":["v"],"capacity":3}}},{"name":"b","state":"Allocated"}],)"
        R"("policies":[{"name":"p","weight":1,"targetNamespace":"t","allocationEndpoints":["e"]}]})");
  write(
      "fleet_file",
      "kind: List\nitems:\n- kind: GameServer\n  metadata: {name: a, namespace: n, labels: {l: v}, deletionTimestamp: "
      "t}\n"
      "  status:\n    state: Ready\n    nodeName: n\n    addresses: [{type: t, address: a}]\n    ports:\n    - name: "
      "p\n"
      "      port: 7000\n    counters: {c: {count: 1, capacity: 2}}\n    lists: {l: {values: [v], capacity: 3}}\n---\n"
      "kind: GameServerAllocationPolicy\nmetadata: {name: p}\nspec: {priority: 1, weight: 2, connectionInfo: "
      "{clusterName: c}}\n");
  write("protobuf_request", agones::test::full_request().SerializeAsString());
  write("protobuf_request", "\x0a\x01n");
  write("request_writer", std::string("\xff\x00\x07\x3c\x00\x03\x05\x06\x00\x3d\x09\x01\x63\x06\x00", 15));
  allocation::ProcessorMessage message;
  message.mutable_pull()->set_message("pull");
  write("server_message", message.SerializeAsString());
  message.mutable_batch_response()->set_batch_id("1");
  for (const char* id : {"1", "2", "3", "14", "15", "nobody"}) {
    auto* response = message.mutable_batch_response()->add_responses();
    response->set_request_id(id);
    *response->mutable_response() = agones::test::full_response();
  }
  write("server_message", message.SerializeAsString());
  message.mutable_batch_response()->mutable_responses(0)->mutable_error()->set_code(8);
  message.mutable_batch_response()->mutable_responses(0)->mutable_error()->set_message("none");
  message.mutable_batch_response()->mutable_responses(1)->clear_result();
  write("server_message", message.SerializeAsString());
  return 0;
}
