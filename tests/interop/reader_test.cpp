// SPDX-License-Identifier: Apache-2.0
// What the plugin accepts, the processor's own reader must accept, and read the same: one request that it refuses would
// take the whole batch with it. On random input, with Go's Protobuf as the referee.
#include <allocation/allocation.pb.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>

#include "request/json_request.h"
#include "request/protobuf_request.h"
#include "support/process.h"
#include "support/requests.h"
#include "support/temporary_folder.h"

namespace agones::test {
namespace {

struct Item {
  char kind;  // 'P' or 'J'
  std::string input;
  std::string bytes;  // what the plugin would send
};

std::vector<std::optional<std::string>> ask_go(const std::vector<Item>& items) {
  const TemporaryFolder folder;
  {
    std::ofstream file(folder.file("in"), std::ios::binary);
    for (const Item& item : items) {
      const auto size = static_cast<std::uint32_t>(item.input.size());
      file.put(item.kind);
      file.write(reinterpret_cast<const char*>(&size), sizeof(size));
      file.write(item.input.data(), size);
    }
  }
  EXPECT_EQ(
      run_program({AGONES_GO_PROGRAMS "/go-reader", "-in", folder.file("in"), "-out", folder.file("out")}).exit_code,
      0);
  std::ifstream file(folder.file("out"), std::ios::binary);
  std::vector<std::optional<std::string>> answers;
  std::uint32_t size = 0;
  while (file.read(reinterpret_cast<char*>(&size), sizeof(size))) {
    if (size == UINT32_MAX) {
      answers.emplace_back();
      continue;
    }
    std::string bytes(size, '\0');
    file.read(bytes.data(), size);
    answers.emplace_back(std::move(bytes));
  }
  return answers;
}

void expect_agreement(const std::vector<Item>& items) {
  const auto answers = ask_go(items);
  ASSERT_EQ(answers.size(), items.size());
  std::size_t shown = 0;
  for (std::size_t i = 0; i < items.size() && shown < 20; ++i) {
    std::string hex;
    for (const unsigned char byte : items[i].input.substr(0, 200)) {
      char digits[4];
      std::snprintf(digits, sizeof(digits), "%02x", byte);
      hex += digits;
    }
    const std::string& input = items[i].kind == 'J' ? items[i].input : hex;
    if (!answers[i]) {
      ++shown;
      ADD_FAILURE() << "accepted by the plugin, refused by Go: " << input;
      continue;
    }
    allocation::AllocationRequest ours;
    allocation::AllocationRequest theirs;
    ASSERT_TRUE(theirs.ParseFromString(*answers[i]));
    if (!ours.ParseFromString(items[i].bytes) || !google::protobuf::util::MessageDifferencer::Equals(ours, theirs)) {
      ++shown;
      ADD_FAILURE() << "read otherwise by Go: " << input;
    }
  }
}

// Changes of a few bytes, with a liking for those that are special on the wire.
class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_(seed) {}

  std::string mutate(std::string bytes) {
    static constexpr unsigned char kSpecial[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x28};
    const std::size_t changes = 1 + draw() % 4;
    for (std::size_t i = 0; i < changes && !bytes.empty(); ++i) {
      const std::size_t place = draw() % bytes.size();
      const auto byte = static_cast<char>(draw() % 2 == 0 ? kSpecial[draw() % std::size(kSpecial)] : draw());
      switch (draw() % 5) {
        case 0:
          bytes.insert(place, 1, byte);
          break;
        case 1:
          bytes.erase(place, 1);
          break;
        case 2:
          // A field of a varint of ten bytes, in range or beyond.
          bytes.insert(place, std::string(1, static_cast<char>(8 * (1 + draw() % 15))) + std::string(9, '\xff') +
                                  static_cast<char>(draw() % 4));
          break;
        default:
          bytes[place] = byte;
      }
    }
    return bytes;
  }

  // Fields of all wire types, most of them well formed, of which the contract knows some.
  std::string fields(int depth) {
    std::string bytes;
    for (std::uint32_t count = draw() % 4; count > 0; --count) {
      const std::uint32_t number = draw() % 3 == 0 ? 1 + draw() % 12 : 100 + draw() % 1000;
      const auto type =
          static_cast<std::uint32_t>(draw() % 40 == 0 ? draw() % 8 : std::array{0, 1, 2, 2, 5}[draw() % 5]);
      append_varint(bytes, number << 3 | type);
      if (type == 0) {
        bytes += std::string(draw() % 10, static_cast<char>(0x80 | draw() % 128));
        bytes += static_cast<char>(draw() % 8 == 0 ? draw() : draw() % 3);
      } else if (type == 2) {
        const std::string content = depth > 0 ? fields(depth - 1) : std::string(draw() % 5, 'a');
        append_varint(bytes, content.size());
        bytes += content;
      } else if (type == 1 || type == 5) {
        bytes += std::string(type == 1 ? 8 : 4, static_cast<char>(draw()));
      }
    }
    return bytes;
  }

  std::uint32_t draw() { return static_cast<std::uint32_t>(random_()); }

 private:
  static void append_varint(std::string& bytes, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      bytes += static_cast<char>(0x80 | (value & 0x7f));
    }
    bytes += static_cast<char>(value);
  }

  std::mt19937 random_;
};

TEST(InteropReader, GoReadsEveryProtobufRequestThatIsAccepted) {
  Mutator mutator(8);
  const std::string full = full_request().SerializeAsString();
  std::vector<Item> items;
  std::size_t tried = 0;
  for (; tried < 2'000'000 && items.size() < 200'000; ++tried) {
    const std::string input =
        tried % 8 == 0 ? mutator.mutate(full) : "\x0a\x01n" + mutator.fields(3) + (tried % 4 == 0 ? full : "");
    if (plugin::check_protobuf_request(input).ok()) {
      items.push_back({'P', input, input});
    }
  }
  EXPECT_GT(items.size(), 100'000U) << "of " << tried;
  expect_agreement(items);
}

TEST(InteropReader, GoReadsEveryJsonRequestThatIsAcceptedAlike) {
  Mutator mutator(9);
  std::vector<Item> items;
  for (const char* json : kGoodJsonRequests) {
    items.push_back({'J', json, std::string(plugin::JsonRequest(json).bytes())});
  }
  static constexpr const char* kTokens[] = {
      "null", "true", "0",     "-0",  "1e2",     "5.0",         "\"05\"",           "\"1e1\"", "{}",
      "[]",   "\"\"", "\"x\"", "1.5", "\"5.0\"", "\"\\u00e4\"", "9007199254740993", "7"};
  for (int i = 0; i < 300'000; ++i) {
    std::string json = kGoodJsonRequests[mutator.draw() % std::size(kGoodJsonRequests)];
    if (mutator.draw() % 2 == 0) {
      json = mutator.mutate(json);
    }
    // Another value in place of one.
    if (const std::size_t colon = json.find(':', mutator.draw() % json.size()); colon != std::string::npos) {
      const std::size_t end = json.find_first_of(",}]", colon);
      if (end != std::string::npos && mutator.draw() % 2 == 0) {
        json.replace(colon + 1, end - colon - 1, kTokens[mutator.draw() % std::size(kTokens)]);
      }
    }
    const plugin::JsonRequest request(json);
    if (request.problem().empty()) {
      items.push_back({'J', std::move(json), std::string(request.bytes())});
    }
  }
  EXPECT_GT(items.size(), 20'000U);
  expect_agreement(items);
}

}  // namespace
}  // namespace agones::test
