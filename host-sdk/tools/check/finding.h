// SPDX-License-Identifier: Apache-2.0
// What a check came to, for people and for programs.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace check {

struct Finding {
  enum class Status { kGood, kNote, kBad };

  std::string check;  // "resolve", "connect", "health", ...: stable, for programs
  Status status = Status::kGood;
  std::string text;    // what was found
  std::string advice;  // what to do about it; empty: nothing
};

class Findings {
 public:
  void good(const std::string& check, const std::string& text) { add({check, Finding::Status::kGood, text, {}}); }
  void note(const std::string& check, const std::string& text, const std::string& advice = {}) {
    add({check, Finding::Status::kNote, text, advice});
  }
  void bad(const std::string& check, const std::string& text, const std::string& advice) {
    add({check, Finding::Status::kBad, text, advice});
  }
  void add(Finding finding) { all_.push_back(std::move(finding)); }
  void add(const Findings& others) { all_.insert(all_.end(), others.all_.begin(), others.all_.end()); }

  bool all_good() const;
  void print(std::ostream& out) const;
  void print_json(std::ostream& out, const std::string& processor) const;

 private:
  std::vector<Finding> all_;
};

}  // namespace check
