// SPDX-License-Identifier: Apache-2.0
#include "agones/boost_log_sink.hpp"

#include <boost/log/attributes/constant.hpp>
#include <boost/log/keywords/channel.hpp>
#include <boost/log/keywords/severity.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_channel_logger.hpp>
#include <boost/log/trivial.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agones {

namespace {

namespace log = boost::log;
using Logger = log::sources::severity_channel_logger<log::trivial::severity_level, std::string>;

log::trivial::severity_level level_of(proc_severity severity) {
  switch (severity) {
    case PROC_SEVERITY_TRACE:
      return log::trivial::trace;
    case PROC_SEVERITY_DEBUG:
      return log::trivial::debug;
    case PROC_SEVERITY_INFO:
      return log::trivial::info;
    case PROC_SEVERITY_WARNING:
      return log::trivial::warning;
    default:  // ERROR, or what a later plugin finds worse
      return log::trivial::error;
  }
}

// Attributes of one record only.
class RecordAttributes {
 public:
  explicit RecordAttributes(Logger& logger) : logger_(logger) {}
  ~RecordAttributes() {
    for (const auto& attribute : added_) {
      logger_.remove_attribute(attribute);
    }
  }
  RecordAttributes(const RecordAttributes&) = delete;
  RecordAttributes& operator=(const RecordAttributes&) = delete;

  void add(const char* name, std::uint64_t value) {
    if (value != 0) {
      keep(logger_.add_attribute(name, log::attributes::constant<std::uint64_t>(value)));
    }
  }
  void add(const std::string& name, std::string_view value) {
    if (!value.empty()) {
      keep(logger_.add_attribute(name, log::attributes::constant<std::string>(std::string(value))));
    }
  }

 private:
  void keep(const std::pair<log::attribute_set::iterator, bool>& added) {
    if (added.second) {
      added_.push_back(added.first);
    }
  }

  Logger& logger_;
  std::vector<log::attribute_set::iterator> added_;
};

}  // namespace

std::function<void(const LogRecord&)> boost_log_sink() {
  // Shared, because std::function copies.
  const auto logger = std::make_shared<Logger>();
  return [logger](const LogRecord& line) {
    RecordAttributes attributes(*logger);
    attributes.add("RequestId", line.request_id);
    attributes.add("BatchId", line.batch_id);
    attributes.add("Kind", line.kind);
    attributes.add("Traceparent", line.traceparent);
    for (const auto& [key, value] : line.fields) {
      attributes.add("field." + std::string(key), value);
    }
    const std::string channel = "agones.processor." + std::string(line.channel);
    BOOST_LOG_CHANNEL_SEV(*logger, channel, level_of(line.severity)) << line.message;
  };
}

}  // namespace agones
