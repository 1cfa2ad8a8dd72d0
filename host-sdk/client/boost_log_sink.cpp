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
    default:
      return log::trivial::error;
  }
}

// An attribute of one record only.
class RecordAttribute {
 public:
  RecordAttribute(Logger& logger, const char* name, std::uint64_t value) : logger_(logger) {
    if (value != 0) {
      added_ = logger_.add_attribute(name, log::attributes::constant<std::uint64_t>(value));
    }
  }
  ~RecordAttribute() {
    if (added_.second) {
      logger_.remove_attribute(added_.first);
    }
  }
  RecordAttribute(const RecordAttribute&) = delete;
  RecordAttribute& operator=(const RecordAttribute&) = delete;

 private:
  Logger& logger_;
  std::pair<log::attribute_set::iterator, bool> added_{{}, false};
};

}  // namespace

std::function<void(const LogRecord&)> boost_log_sink() {
  // Shared, because std::function copies.
  const auto logger = std::make_shared<Logger>();
  return [logger](const LogRecord& line) {
    const RecordAttribute request(*logger, "RequestId", line.request_id);
    const RecordAttribute batch(*logger, "BatchId", line.batch_id);
    const std::string channel = "agones.processor." + std::string(line.channel);
    BOOST_LOG_CHANNEL_SEV(*logger, channel, level_of(line.severity)) << line.message;
  };
}

}  // namespace agones
