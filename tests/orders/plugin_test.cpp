// SPDX-License-Identifier: Apache-2.0
// The plugin's lock-free parts in every execution that the memory model allows, and which order each of their operations needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "orders/named_program.h"
#include "orders/shadow.h"
// After it.
#include "contract/poll_right.h"
#include "orders/modelled.h"
#include "session/admission.h"
#include "session/event_queue.h"
#include "session/many_to_one_queue.h"
#include "session/request_ids.h"
// Theirs, too.
#include "session/event_queue.cpp"  // NOLINT(bugprone-suspicious-include)
#include "session/request_ids.cpp"  // NOLINT(bugprone-suspicious-include)

namespace agones::plugin {

pthread_t pthread_self() {
  return static_cast<pthread_t>(orders::current_thread());
}

namespace {

using orders::check;
using orders::Execution;
using orders::NamedProgram;
using orders::weakest_orders;
using Numbers = std::vector<std::uint64_t>;

template <typename Queue>
Numbers taken_from(Queue& queue) {
  Numbers numbers;
  RequestPtr item(queue.take());
  while (item != nullptr) {
    numbers.push_back(item->id);
    item.reset(item->next);
  }
  return numbers;
}

// ---- ManyToOneQueue

void handed_over(Execution& run) {
  struct State {
    ManyToOneQueue<RequestPtr> queue;
    Numbers taken;
  };
  auto& state = run.make<State>();
  run.thread([&] {
    state.queue.push(std::make_unique<Request>(1));
    state.queue.push(std::make_unique<Request>(2));
  });
  run.thread([&] { state.queue.push(std::make_unique<Request>(3)); });
  const auto take = [&] {
    const Numbers more = taken_from(state.queue);
    state.taken.insert(state.taken.end(), more.begin(), more.end());
  };
  run.thread([take] {
    take();
    take();
  });
  run.at_end([&, take] {
    take();
    Numbers sorted = state.taken;
    std::sort(sorted.begin(), sorted.end());
    check(sorted == Numbers{1, 2, 3}, "not each of them once");
    check(std::find(state.taken.begin(), state.taken.end(), 1) < std::find(state.taken.begin(), state.taken.end(), 2),
          "one thread's in another order");
  });
}

// ---- EventQueue

// A poller that finds nothing waits for the descriptor.
void events_and_their_descriptor(Execution& run) {
  struct State {
    EventQueue queue;
    std::uint64_t taken = 0;
  };
  auto& state = run.make<State>();
  const auto take = [&] {
    std::unique_ptr<QueuedEvent> event(state.queue.take());
    while (event != nullptr) {
      state.taken += static_cast<const CompletionBlock&>(*event).number();
      state.queue.polled(static_cast<const CompletionBlock&>(*event));
      event.reset(event->next);
    }
  };
  for (const std::uint64_t number : {1, 2}) {
    run.thread([&, number] { state.queue.push(std::make_unique<CompletionBlock>(number)); });
  }
  run.thread(take);
  run.at_end([&, take] {
    const bool sleeps_on = !state.queue.fd().readable();
    const std::uint64_t before = state.taken;
    take();
    check(state.taken == 3, "an event is lost");
    check(!sleeps_on || before == state.taken, "the poller sleeps on while an event waits");
    check(state.queue.unpolled_bytes() == 0, "bytes are left over");
  });
}

// Of more states than there is room for, the newest arrives.
void states_without_room(Execution& run) {
  struct State {
    EventQueue queue;
    std::uint64_t newest = 0;
  };
  auto& state = run.make<State>();
  const auto change = [](std::uint64_t number) {
    auto made = std::make_unique<StateChange>();
    made->number = number;
    return made;
  };
  std::uint64_t last = 0;
  while (state.queue.push(change(last + 1))) {
    ++last;
  }
  last += 2;
  const auto take = [&] {
    std::unique_ptr<QueuedEvent> event(state.queue.take());
    while (event != nullptr) {
      // The reader passes over what comes late.
      state.newest = std::max(state.newest, static_cast<const StateChange&>(*event).number);
      event.reset(event->next);
    }
  };
  run.thread([&, change, last] { state.queue.push(change(last)); });
  run.thread([take] {
    take();
    take();
  });
  run.at_end([&, take, last] {
    const bool sleeps_on = !state.queue.fd().readable();
    const std::uint64_t before = state.newest;
    take();
    check(state.newest == last, "the newest state is lost");
    check(!sleeps_on || before == last, "the poller sleeps on while a state waits");
  });
}

// proc_wake ends a wait that begins, or the one that follows.
void woken_poller(Execution& run) {
  struct State {
    WaitingPoller poller;
    bool waits = false;
  };
  auto& state = run.make<State>();
  run.thread([&] { state.poller.wake(); });
  run.thread([&] { state.waits = state.poller.deliver(); });
  run.at_end([&] { check(!state.waits || state.poller.readable(), "the poller sleeps on though it was woken"); });
}

// ---- Intake, the link's sleep

void check_nothing_waits(ModelledSession& session, std::uint64_t submitted) {
  check(session.received() == submitted || !session.link().sleeps_on(), "the link sleeps on while a request waits");
}

void submitted_while_the_link_goes_to_sleep(Execution& run) {
  auto& session = run.make<ModelledSession>();
  run.thread([&] { session.turn(); });
  run.thread([&] { session.submit(std::make_unique<Request>(1)); });
  run.at_end([&] { check_nothing_waits(session, 1); });
}

void submitted_while_the_link_sleeps(Execution& run) {
  auto& session = run.make<ModelledSession>();
  session.turn();
  for (const std::uint64_t number : {1, 2}) {
    run.thread([&, number] { session.submit(std::make_unique<Request>(number)); });
  }
  run.at_end([&] { check_nothing_waits(session, 2); });
}

void cancelled_while_the_link_wakes(Execution& run) {
  auto& session = run.make<ModelledSession>();
  session.submit(std::make_unique<Request>(1));
  session.link().wake();
  run.thread([&] { session.cancel(1); });
  run.thread([&] {
    for (int i = 0; i < 2 && session.link().take_event(); ++i) {
      session.turn();
    }
  });
  run.at_end([&] {
    check(session.cancelled() == 1 || !session.link().sleeps_on(), "the link sleeps on while a cancel waits");
  });
}

void given_up_while_the_link_wakes(Execution& run) {
  struct State {
    ModelledSession session;
    bool finished = false;
  };
  auto& state = run.make<State>();
  state.session.submit(std::make_unique<Request>(1));
  state.session.turn();
  state.session.link().wake();
  run.thread([&] { state.session.give_up(1); });
  run.thread([&] {
    for (int i = 0; i < 2 && !state.finished && state.session.link().take_event(); ++i) {
      state.finished = state.session.finished();
    }
  });
  run.at_end(
      [&] { check(state.finished || !state.session.link().sleeps_on(), "the link sleeps on though it is to end"); });
}

void woken_while_the_link_closes(Execution& run) {
  auto& link = run.make<WokenLink>();
  run.thread([&] { link.wake(); });
  run.thread([&] { link.wake(); });
  run.thread([&] {
    for (int i = 0; i < 3 && !link.close(); ++i) {
    }
  });
}

// ---- Admission

void admitted_and_released(Execution& run) {
  struct State {
    Admission admission{1};
    std::array<bool, 2> admitted{};
    std::uint64_t released = 0;
  };
  auto& state = run.make<State>();
  for (const std::size_t i : {0U, 1U}) {
    run.thread([&, i] { state.admitted[i] = state.admission.admit() == Admission::Answer::kAdmitted; });
  }
  run.thread([&] {
    if (state.admission.pending() != 0) {
      state.admission.release();
      ++state.released;
    }
    check(state.admission.pending() <= 1, "more than the limit");
  });
  run.at_end([&] {
    const std::uint64_t admitted = (state.admitted[0] ? 1 : 0) + (state.admitted[1] ? 1 : 0);
    check(admitted >= 1, "nobody was admitted");
    check(state.admission.pending() == admitted - state.released, "the count is wrong");
    check(state.admission.pending() <= 1, "more than the limit");
  });
}

// Once sealed, the number of those that came in is known.
void sealed(Execution& run) {
  struct State {
    Admission admission{2};
    bool admitted = false;
    bool moved = false;
    std::uint64_t counted = 0;
  };
  auto& state = run.make<State>();
  run.thread([&] { state.admitted = state.admission.admit() == Admission::Answer::kAdmitted; });
  run.thread([&] { state.moved = !state.admission.sealed() && state.admission.admit_moved(); });
  run.thread([&] {
    state.admission.close();
    state.admission.seal();
    state.counted = state.admission.pending();
  });
  run.at_end([&] {
    check(state.counted == (state.admitted ? 1U : 0U) + (state.moved ? 1U : 0U), "somebody came in after the count");
    check(state.admission.look() == Admission::Answer::kClosed, "not closed");
  });
}

// ---- RequestIds

void counted_as_accepted(Execution& run) {
  auto& ids = run.make<RequestIds>(100);
  run.thread([&] { ids.take_over(5, 0); });
  run.thread([&] { ids.next(); });
  run.thread([&] { check(ids.accepted() <= 2, "fewer than none are accepted"); });
  run.at_end([&] { check(ids.accepted() == 1 && ids.taken_over() == 1, "not all are counted"); });
}

void known_by_the_id_it_had(Execution& run) {
  struct State {
    RequestIds ids{100};
    ManyToOneQueue<RequestPtr> queue;
  };
  auto& state = run.make<State>();
  run.thread([&] { state.queue.push(std::make_unique<Request>(*state.ids.take_over(5, 0))); });
  run.thread([&] {
    for (const std::uint64_t number : taken_from(state.queue)) {
      check(state.ids.known(number).id == 5, "a request that was taken over has another id");
      check(state.ids.number_of(5) == number, "a request that was taken over is not found");
      state.ids.ended(number);
      check(!state.ids.number_of(5), "a request that has ended is found");
    }
  });
}

void cancelled_by_who_was_given_the_id(Execution& run) {
  struct State {
    RequestIds ids{100};
    ManyToOneQueue<RequestPtr> told;
  };
  auto& state = run.make<State>();
  run.thread([&] { state.ids.next(); });
  run.thread([&] { state.told.push(std::make_unique<Request>(state.ids.own_id(state.ids.next()))); });
  run.thread([&] {
    for (const std::uint64_t id : taken_from(state.told)) {
      check(state.ids.number_of(id).has_value(), "an id that was given out is not known");
    }
  });
}

// ---- The poller's right

void one_polls(Execution& run) {
  struct State {
    Poller poller;
    orders::Plain<int> pollers_own{0};
  };
  auto& state = run.make<State>();
  for (int i = 0; i < 2; ++i) {
    run.thread([&] {
      for (int again = 0; again < 2; ++again) {
        const Poller::Right right(state.poller);
        if (right.held()) {
          state.pollers_own = state.pollers_own + 1;
          if (again == 0) {
            const Poller::Right inside(state.poller);
            check(inside.result().status == PROC_ERR_IN_CALLBACK, "a callback's own thread is taken for another");
          }
        } else {
          check(right.result().status == PROC_ERR_BUSY, "another thread is taken for a callback");
        }
      }
    });
  }
}

// ---- Stats

void never_more_returned_than_handed_over(Execution& run) {
  auto& stats = run.make<HandedOverStats>();
  run.thread([&] { stats.end(); });
  run.thread([&] { stats.end_offered(); });
  run.thread([&] { stats.fill_stats(); });
}

const std::vector<NamedProgram>& programs() {
  static const std::vector<NamedProgram> all{
      {"handed_over", handed_over},
      {"events_and_their_descriptor", events_and_their_descriptor},
      {"states_without_room", states_without_room},
      {"woken_poller", woken_poller},
      {"submitted_while_the_link_goes_to_sleep", submitted_while_the_link_goes_to_sleep},
      {"submitted_while_the_link_sleeps", submitted_while_the_link_sleeps},
      {"cancelled_while_the_link_wakes", cancelled_while_the_link_wakes},
      {"given_up_while_the_link_wakes", given_up_while_the_link_wakes},
      {"woken_while_the_link_closes", woken_while_the_link_closes},
      {"admitted_and_released", admitted_and_released},
      {"sealed", sealed},
      {"counted_as_accepted", counted_as_accepted},
      {"known_by_the_id_it_had", known_by_the_id_it_had},
      {"cancelled_by_who_was_given_the_id", cancelled_by_who_was_given_the_id},
      {"one_polls", one_polls},
      {"never_more_returned_than_handed_over", never_more_returned_than_handed_over},
  };
  return all;
}

class PluginOrders : public orders::HoldingInEveryExecution {};

TEST_P(PluginOrders, HoldInEveryExecution) {
  expect_it();
}

INSTANTIATE_TEST_SUITE_P(All, PluginOrders, testing::ValuesIn(programs()), orders::name_of);

// Each of these was weakened alone, to every weaker order. Where nothing "would do", a program above noticed it.
TEST(PluginOrdersWeakened, OneByOneAreNoticedWhereTheyAreNeeded) {
  EXPECT_EQ(weakest_orders(programs()), R"(
admission admit compare_exchange: acq_rel, relaxed would do
admission admit load: relaxed
admission admit_moved compare_exchange: acq_rel, relaxed would do
admission admit_moved load: relaxed
admission close fetch_or: acq_rel, relaxed would do
admission pending load: acquire, relaxed would do
admission release fetch_sub: acq_rel, relaxed would do
admission seal fetch_or: acq_rel, relaxed would do
admission sealed load: acquire, relaxed would do
counters get load: relaxed
counters set store: relaxed
event_queue collect fetch_sub 2: seq_cst, relaxed would do
event_queue collect fetch_sub: seq_cst, relaxed would do
event_queue count_in fetch_add: seq_cst, relaxed would do
event_queue count_in fetch_sub: seq_cst, relaxed would do
event_queue polled fetch_sub: relaxed
event_queue push fetch_add: relaxed
intake cancel store: seq_cst
intake empty load: seq_cst, relaxed would do
intake fetch load: seq_cst, relaxed would do
intake fetch store: seq_cst, relaxed would do
many_to_one_queue empty load: seq_cst
many_to_one_queue push compare_exchange: seq_cst
many_to_one_queue push load: relaxed
many_to_one_queue take exchange: acq_rel, acquire would do
modelled close exchange: seq_cst, relaxed would do
modelled complete store: seq_cst
modelled deliver exchange: seq_cst, relaxed would do
modelled end_offered fetch_add: seq_cst, release would do
modelled enter compare_exchange: seq_cst
modelled enter load: seq_cst, relaxed would do
modelled fill_stats load: seq_cst, acquire would do
modelled finished load: seq_cst
modelled give_up store: seq_cst, relaxed would do
modelled wake exchange: seq_cst
modelled wake store: seq_cst, relaxed would do
next_turn is_too_late_for exchange: seq_cst, relaxed would do
next_turn is_too_late_for load: seq_cst
next_turn promise store: seq_cst
poll_right Right exchange: seq_cst, acquire would do
poll_right Right load: seq_cst, relaxed would do
poll_right Right store: seq_cst, relaxed would do
poll_right ~Right store 2: seq_cst, release would do
poll_right ~Right store: seq_cst, relaxed would do
request_ids accepted load 2: relaxed
request_ids accepted load: acquire
request_ids next fetch_add: relaxed
request_ids number_of load: seq_cst, relaxed would do
request_ids take_over fetch_add 2: relaxed
request_ids take_over fetch_add: release
request_ids taken_over load: relaxed
)");
}

TEST(Modelled, LinesAreThoseOfTheCode) {
  std::string sources;
  for (const char* folder : {"/plugin", "/host-sdk/host"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(AGONES_SOURCES) + folder)) {
      if (entry.is_regular_file()) {
        std::ifstream file(entry.path());
        sources.append(std::istreambuf_iterator<char>(file), {});
      }
    }
  }
  for (const char* line : kModelledLines) {
    EXPECT_NE(sources.find(line), std::string::npos) << "modelled.h models what is not there any more: " << line;
  }
}

}  // namespace
}  // namespace agones::plugin
