// SPDX-License-Identifier: Apache-2.0
#include "check/finding.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace check {

namespace {

const char* word_for(Finding::Status status) {
  return status == Finding::Status::kGood ? "good" : status == Finding::Status::kNote ? "note" : "BAD ";
}

}  // namespace

bool Findings::all_good() const {
  return std::none_of(all_.begin(), all_.end(),
                      [](const Finding& finding) { return finding.status == Finding::Status::kBad; });
}

void Findings::print(std::ostream& out) const {
  for (const Finding& finding : all_) {
    out << "  " << word_for(finding.status) << "  " << finding.text << '\n';
    if (!finding.advice.empty()) {
      out << "        -> " << finding.advice << '\n';
    }
  }
}

void Findings::print_json(std::ostream& out, const std::string& processor) const {
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  for (const Finding& finding : all_) {
    nlohmann::ordered_json one = {
        {"check", finding.check},
        {"status", finding.status == Finding::Status::kBad ? "bad" : word_for(finding.status)},
        {"text", finding.text}};
    if (!finding.advice.empty()) {
      one["advice"] = finding.advice;
    }
    findings.push_back(std::move(one));
  }
  const nlohmann::ordered_json all = {{"processor", processor}, {"good", all_good()}, {"findings", findings}};
  out << all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

}  // namespace check
