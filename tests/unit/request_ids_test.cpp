// SPDX-License-Identifier: Apache-2.0
#include "session/request_ids.h"

#include <gtest/gtest.h>

#include "session/hand_over.h"

namespace agones::plugin {
namespace {

TEST(RequestIds, BeginWhereTheyAreTold) {
  RequestIds ids(1000);
  EXPECT_EQ(ids.own_id(ids.next()), 1000U);
  EXPECT_EQ(ids.own_id(ids.next()), 1001U);
  EXPECT_EQ(ids.known(2).id, 1001U);
  EXPECT_EQ(ids.known(0).id, 0U);
  EXPECT_EQ(ids.number_of(1001), 2U);
  EXPECT_EQ(ids.number_of(1002), std::nullopt) << "not given out yet";
  EXPECT_EQ(ids.number_of(999), std::nullopt);
  EXPECT_EQ(ids.number_of(0), std::nullopt);
  EXPECT_EQ(ids.accepted(), 2U);
}

TEST(RequestIds, WhatIsTakenOverKeepsItsId) {
  RequestIds ids(1000);
  ids.next();
  const auto number = ids.take_over(7, 500);
  ASSERT_EQ(number, 2U);
  ids.next();
  EXPECT_EQ(ids.known(2).id, 7U);
  EXPECT_EQ(ids.known(2).waited_us, 500U);
  EXPECT_EQ(ids.number_of(7), 2U);
  EXPECT_EQ(ids.number_of(1001), std::nullopt) << "that number has another id";
  EXPECT_EQ(ids.known(3).id, 1002U);
  EXPECT_EQ(ids.accepted(), 2U);
  EXPECT_EQ(ids.taken_over(), 1U);
  EXPECT_EQ(ids.take_over(7, 0), std::nullopt) << "twice";
  EXPECT_EQ(ids.take_over(1000, 0), std::nullopt) << "its own";
  EXPECT_EQ(ids.take_over(0, 0), std::nullopt);
  ids.ended(2);
  EXPECT_EQ(ids.number_of(7), std::nullopt);
}

TEST(RequestIds, NothingIsForgottenThatMayComeAgain) {
  RequestIds ids(1000, true);
  ids.take_over(7, 0);
  ids.ended(1);
  EXPECT_EQ(ids.known(1).id, 7U) << "an orphan may follow";
}

std::unique_ptr<CompletionBlock> block_of(std::initializer_list<std::uint64_t> ids) {
  auto block = std::make_unique<CompletionBlock>(std::string(), QueuedEvent::Kind::kHandedOver);
  for (const std::uint64_t id : ids) {
    Completion completion;
    completion.request = Request::create("r", {}, 0, {}, {});
    completion.request->id = completion.request_id = id;
    block->items.push_back(std::move(completion));
  }
  return block;
}

TEST(HandOver, GivesAwayOneAfterTheOther) {
  HandOver hand_over;
  EXPECT_EQ(hand_over.front(), nullptr);
  hand_over.push(block_of({1, 2}));
  hand_over.push(block_of({3}));
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    ASSERT_NE(hand_over.front(), nullptr);
    EXPECT_EQ(hand_over.front()->request_id, id);
    EXPECT_EQ(hand_over.front()->request_id, id) << "until it is taken";
    hand_over.pop();
  }
  EXPECT_EQ(hand_over.front(), nullptr);
  EXPECT_EQ(hand_over.take_back(), nullptr);
}

TEST(HandOver, WhatNobodyTookComesBack) {
  HandOver hand_over;
  hand_over.push(block_of({1, 2, 3}));
  hand_over.push(block_of({4}));
  hand_over.front();
  hand_over.pop();
  auto rest = hand_over.take_back();
  ASSERT_EQ(rest->items.size(), 2U);
  EXPECT_EQ(rest->items[0].request_id, 2U);
  rest = hand_over.take_back();
  ASSERT_EQ(rest->items.size(), 1U);
  EXPECT_EQ(rest->items[0].request_id, 4U);
  EXPECT_EQ(hand_over.take_back(), nullptr);
}

}  // namespace
}  // namespace agones::plugin
