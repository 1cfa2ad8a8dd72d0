// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <google/protobuf/util/json_util.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>

namespace agones::test {

namespace {

rusage own_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

double cpu_seconds() {
  const rusage usage = own_usage();
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::size_t peak_bytes() {
  return static_cast<std::size_t>(own_usage().ru_maxrss) * 1024;
}

double percentile(std::vector<double>& values, double share) {
  const auto index = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[static_cast<std::size_t>(index)];
}

void fill(allocation::AllocationRequest& request) {
  request.set_namespace_("default");
  auto& labels = *request.add_gameserverselectors()->mutable_matchlabels();
  labels["agones.dev/fleet"] = "local";
  labels["agones.dev/sdk-gs-session-ready"] = "true";
  (*request.mutable_metadata()->mutable_labels())["mode"] = "team-deathmatch";
  (*request.mutable_metadata()->mutable_annotations())["session"] = "0123456789abcdef0123456789abcdef";
}

std::string encoded_request() {
  allocation::AllocationRequest message;
  fill(message);
  return message.SerializeAsString();
}

std::string request_as_json() {
  allocation::AllocationRequest message;
  fill(message);
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) {
    throw std::runtime_error("the request can't be written as JSON");
  }
  return json;
}

}  // namespace agones::test
