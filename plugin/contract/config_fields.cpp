// SPDX-License-Identifier: Apache-2.0
#include "contract/config_fields.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "contract/config_numbers.h"
#include "contract/names.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace agones::plugin {

namespace {

enum class Kind : std::uint8_t {
  kNumber,
  kTime,
  kSize,
  kFlag,
  kSeverity,
  kTransport,
  kUnknownFields,
  kDescriptor,
  kId,
  kText
};

struct Field {
  const char* name;
  std::size_t offset;
  Kind kind;
  std::int64_t least;
  std::int64_t most;
  std::int64_t preset;
};

constexpr Field kFields[] = {
#define AGONES_CONFIG_FIELD(name, kind, least, most, preset) \
  {#name, offsetof(proc_config, name), Kind::kind, least, most, preset},
#include "contract/config_table.inc"
#undef AGONES_CONFIG_FIELD
};

// What proc_config.owned_texts points to: the copies by their field's offset.
using OwnedTexts = std::map<std::size_t, std::string>;

bool is_signed(Kind kind) {
  return kind == Kind::kSeverity || kind == Kind::kTransport || kind == Kind::kUnknownFields ||
         kind == Kind::kDescriptor;
}

std::size_t size_of(Kind kind) {
  return kind == Kind::kText ? sizeof(proc_text) : kind == Kind::kId ? sizeof(std::uint64_t) : sizeof(std::uint32_t);
}

template <typename Value>
Value load(const proc_config& config, const Field& field) {
  Value value;
  std::memcpy(&value, reinterpret_cast<const char*>(&config) + field.offset, sizeof(value));
  return value;
}

template <typename Value>
void store(proc_config& config, const Field& field, const Value& value) {
  std::memcpy(reinterpret_cast<char*>(&config) + field.offset, &value, sizeof(value));
}

void store_number(proc_config& config, const Field& field, std::int64_t number) {
  if (field.kind == Kind::kId) {
    store(config, field, static_cast<std::uint64_t>(number));
  } else {
    store(config, field, static_cast<std::uint32_t>(number));
  }
}

std::string out_of_range(const Field& field, const std::string& number) {
  if (field.kind == Kind::kSeverity) {
    return std::string(field.name) + ": " + number + " is not a severity";
  }
  if (field.kind == Kind::kTransport) {
    return std::string(field.name) + ": " + number + " is neither TLS nor PLAINTEXT";
  }
  if (field.kind == Kind::kUnknownFields) {
    return std::string(field.name) + ": " + number + " is neither REFUSE nor IGNORE";
  }
  return std::string(field.name) + ": " + number + " is not from " + std::to_string(field.least) + " to " +
         std::to_string(field.most);
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr Unit kTimes[] = {{"", 1}, {"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}};
constexpr Unit kSizes[] = {{"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
constexpr Unit kNone[] = {{"", 1}};

struct Units {
  const Unit* begin;
  const Unit* end;
  const char* all;
};

Units units_of(Kind kind) {
  switch (kind) {
    case Kind::kTime:
      return {std::begin(kTimes), std::end(kTimes), "ms, s, min or h"};
    case Kind::kSize:
      return {std::begin(kSizes), std::end(kSizes), "B, KiB, MiB or GiB"};
    default:
      return {std::begin(kNone), std::end(kNone), ""};
  }
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

bool equal_but_for_case(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower_ascii(a) == lower_ascii(b); });
}

Result read_number(const Field& field, std::string_view value, std::int64_t& number) {
  const char* const end = value.data() + value.size();
  const auto [rest, fault] = std::from_chars(value.data(), end, number);
  if (fault == std::errc::result_out_of_range) {
    return invalid(out_of_range(field, std::string(value)));
  }
  if (fault != std::errc()) {
    return invalid(std::string(field.name) + ": " + quoted(value) + " is not a whole number");
  }
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  const Units units = units_of(field.kind);
  const Unit* found = std::find_if(units.begin, units.end, [unit](const Unit& known) { return known.name == unit; });
  if (found == units.end) {
    const bool has_units = units.all[0] != '\0';
    return invalid(
        std::string(field.name) + ": " + quoted(value) +
        (has_units ? std::string(": the unit is to be ") + units.all : std::string(" is not a whole number")));
  }
  if (__builtin_mul_overflow(number, found->factor, &number) || number < field.least || number > field.most) {
    return invalid(out_of_range(field, std::string(value)));
  }
  return {};
}

// Of values that have names.
Result read_name(const Field& field, std::string_view value, std::int64_t& number) {
  std::vector<std::pair<std::string_view, std::int64_t>> names;
  switch (field.kind) {
    case Kind::kFlag:
      names = {{"0", 0}, {"false", 0}, {"1", 1}, {"true", 1}};
      break;
    case Kind::kTransport:
      names = {{"TLS", PROC_TRANSPORT_TLS}, {"PLAINTEXT", PROC_TRANSPORT_PLAINTEXT}};
      break;
    case Kind::kUnknownFields:
      names = {{"REFUSE", PROC_UNKNOWN_FIELDS_REFUSE}, {"IGNORE", PROC_UNKNOWN_FIELDS_IGNORE}};
      break;
    default:
      for (proc_severity severity = PROC_SEVERITY_TRACE; severity <= PROC_SEVERITY_OFF; ++severity) {
        names.emplace_back(severity_name(severity), severity);
      }
  }
  std::string all;
  for (const auto& [name, meaning] : names) {
    if (equal_but_for_case(name, value)) {
      number = meaning;
      return {};
    }
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  return invalid(std::string(field.name) + ": " + quoted(value) + " is none of " + all);
}

// How many letters are to be changed, put in or left out.
std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i] = i;
  }
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < other.size(); ++j) {
      const std::size_t replaced = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string no_such_field(std::string_view name) {
  constexpr std::size_t kLongestName = 64;
  constexpr std::size_t kNear = 4;
  std::string problem = std::string(name.substr(0, kLongestName)) + ": no such field";
  for (const char* known : {"on_event", "event_context", "on_log", "log_context"}) {
    if (name == known) {
      return std::string(name) + ": can't be set from text, only in the struct";
    }
  }
  if (name.size() > kLongestName) {
    return problem;
  }
  const Field* nearest = nullptr;
  std::size_t least = kNear;
  for (const Field& field : kFields) {
    if (const std::size_t far = distance(name, field.name); far < least) {
      nearest = &field;
      least = far;
    }
  }
  return nearest == nullptr ? problem : problem + "; is " + nearest->name + " meant?";
}

Result check_text(const std::string& name, const proc_text& text) {
  constexpr std::uint64_t kLongest = 1U << 20;
  if (text.size == 0) {
    return {};
  }
  if (text.data == nullptr) {
    return invalid(name + ": data is NULL, size is " + std::to_string(text.size));
  }
  if (text.size > kLongest) {
    return invalid(name + ": longer than 1 MiB");
  }
  const std::string_view content(text.data, text.size);
  if (!is_utf8(content)) {
    return invalid(name + ": not valid UTF-8");
  }
  if (content.find('\0') != std::string_view::npos) {
    return invalid(name + ": contains NUL");
  }
  return {};
}

void set_text(proc_config& config, const Field& field, std::string_view value) {
  if (config.owned_texts == nullptr) {
    config.owned_texts = new OwnedTexts();
  }
  std::string& owned = (*static_cast<OwnedTexts*>(config.owned_texts))[field.offset];
  owned = value;
  store(config, field, proc_text{owned.data(), owned.size()});
}

}  // namespace

proc_config default_config() {
  proc_config config{};
  config.struct_size = sizeof(proc_config);
  for (const Field& field : kFields) {
    if (field.kind != Kind::kText) {
      store_number(config, field, field.preset);
    }
  }
  return config;
}

proc_config complete_config(const proc_config& config) {
  proc_config complete = default_config();
  std::memcpy(&complete, &config, std::min<std::size_t>(config.struct_size, sizeof(complete)));
  return complete;
}

Result check_config(const proc_config& config) {
  for (const Field& field : kFields) {
    if (field.kind == Kind::kText) {
      PROC_TRY(check_text(field.name, load<proc_text>(config, field)));
      continue;
    }
    const std::uint64_t value =
        field.kind == Kind::kId ? load<std::uint64_t>(config, field) : load<std::uint32_t>(config, field);
    const bool negative = is_signed(field.kind) && load<std::int32_t>(config, field) < 0;
    const std::int64_t number = negative ? load<std::int32_t>(config, field) : static_cast<std::int64_t>(value);
    if (number < field.least || (!negative && value > static_cast<std::uint64_t>(field.most))) {
      return invalid(out_of_range(field, negative ? std::to_string(number) : std::to_string(value)));
    }
  }
  if (config.reconnect_max_ms < config.reconnect_initial_ms) {
    return invalid("reconnect_max_ms: " + std::to_string(config.reconnect_max_ms) +
                   " is less than reconnect_initial_ms, " + std::to_string(config.reconnect_initial_ms));
  }
  return {};
}

std::vector<proc_text*> config_texts(proc_config& config) {
  std::vector<proc_text*> texts;
  for (const Field& field : kFields) {
    if (field.kind == Kind::kText) {
      texts.push_back(reinterpret_cast<proc_text*>(reinterpret_cast<char*>(&config) + field.offset));
    }
  }
  for (proc_text& reserved : config.reserved_texts) {
    texts.push_back(&reserved);
  }
  return texts;
}

Result set_config_field(proc_config& config, const char* name, const char* value) {
  const Field* field = std::find_if(std::begin(kFields), std::end(kFields),
                                    [name](const Field& known) { return std::strcmp(known.name, name) == 0; });
  if (field == std::end(kFields)) {
    return invalid(no_such_field(name));
  }
  if (field->offset + size_of(field->kind) > config.struct_size) {
    return invalid(std::string(name) + ": is not in a config of " + std::to_string(config.struct_size) + " bytes");
  }
  if (field->kind == Kind::kText) {
    set_text(config, *field, value);
    return {};
  }
  std::int64_t number = 0;
  const bool named = field->kind == Kind::kFlag || field->kind == Kind::kSeverity || field->kind == Kind::kTransport ||
                     field->kind == Kind::kUnknownFields;
  PROC_TRY(named ? read_name(*field, value, number) : read_number(*field, value, number));
  store_number(config, *field, number);
  return {};
}

void clear_config_texts(proc_config& config) {
  auto* texts = static_cast<OwnedTexts*>(config.owned_texts);
  if (texts == nullptr) {
    return;
  }
  for (const auto& [offset, text] : *texts) {
    const proc_text none{};
    std::memcpy(reinterpret_cast<char*>(&config) + offset, &none, sizeof(none));
  }
  delete texts;
  config.owned_texts = nullptr;
}

}  // namespace agones::plugin
