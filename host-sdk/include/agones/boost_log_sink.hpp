// SPDX-License-Identifier: Apache-2.0
// Brings the plugin's log lines into the host's Boost.Log. Boost.Log has one core a process, the host's:
// this makes a logger on it and sets up no sink, filter or format of its own.
#pragma once

#include <agones/client.hpp>

#include <functional>

namespace agones {

// For ClientOptions::on_log. Records have the attributes Severity (boost::log::trivial::severity_level),
// Channel ("agones.processor.stream", ...), Kind ("stream_opened", ...), and, where the line has them, RequestId and
// BatchId (std::uint64_t), Traceparent, and each of its fields under "field." and its name (std::string). Not to be called by two threads at a time, as the plugin never does.
std::function<void(const LogRecord&)> boost_log_sink();

}  // namespace agones
