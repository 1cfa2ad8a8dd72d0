// SPDX-License-Identifier: Apache-2.0
// The numbers of proc_stats, one a row, in the order in which Prometheus' text has them. A new number is a field of the header and a row
// here: who counts it, the sum that a client shows and the text follow.
//
//   X(field, counted by, Prometheus' type, its name there, its outcome if the name is shared by several, help)
//
// Counted by: ONE thread at a time, SEVERAL threads, or ELSEWHERE (Session::fill_stats says where).
#pragma once

#include <cstddef>
#include <cstdint>

#include "agones/processor.h"

#define AGONES_STATS(X)                                                                                                \
  X(pending, ELSEWHERE, gauge, "pending_requests", "", "Requests that were accepted and whose result was not polled.") \
  X(unsent, ONE, gauge, "unsent_requests", "", "Requests in the hot batch, waiting for a pull.")                       \
  X(in_flight, ONE, gauge, "in_flight_requests", "", "Requests that were sent and not answered.")                      \
  X(late_answers, ONE, gauge, "late_answers", "", "Requests that ended unanswered and may still bring an orphan.")     \
  X(open_streams, ONE, gauge, "open_streams", "", "Streams to the processor.")                                         \
  X(window, ONE, gauge, "window", "", "Requests that may be under way at the processor.")                              \
  X(accepted, ELSEWHERE, counter, "requests_total", "", "Requests that were accepted.")                                \
  X(allocated, ONE, counter, "results_total", "allocated", "Requests that ended, by their outcome.")                   \
  X(rejected, ONE, counter, "results_total", "rejected", "")                                                           \
  X(timed_out, ONE, counter, "results_total", "timeout", "")                                                           \
  X(cancelled, ONE, counter, "results_total", "cancelled", "")                                                         \
  X(disconnected, ONE, counter, "results_total", "disconnected", "")                                                   \
  X(shut_down, ONE, counter, "results_total", "shutdown", "")                                                          \
  X(unknown, ONE, counter, "results_unknown_total", "",                                                                \
    "Requests that ended sent but unanswered, so that a game server may be lost.")                                     \
  X(handed_over, ONE, counter, "requests_handed_over_total", "", "Requests given to another client, by a swap.")       \
  X(taken_over, ELSEWHERE, counter, "requests_taken_over_total", "", "Requests taken from another client, by a swap.") \
  X(resent, ONE, counter, "requests_resent_total", "", "Requests that were sent a second time.")                       \
  X(orphans, ONE, counter, "orphans_total", "", "Game servers allocated for requests that had already ended.")         \
  X(streams, ONE, counter, "streams_total", "", "Streams that were opened.")                                           \
  X(pulls, ONE, counter, "pulls_total", "", "Pulls of the processor.")                                                 \
  X(batches_sent, ONE, counter, "batches_sent_total", "", "Batches that were sent.")                                   \
  X(batches_answered, ONE, counter, "batches_answered_total", "", "Batches that were answered.")                       \
  X(duplicate_answers, ONE, counter, "duplicate_answers_total", "", "Answers to requests that had been answered.")     \
  X(unknown_answers, ONE, counter, "unknown_answers_total", "", "Answers to ids that were never given out.")           \
  X(malformed_messages, ONE, counter, "malformed_messages_total", "",                                                  \
    "Messages of the processor that could not be read.")                                                               \
  X(log_lines_dropped, SEVERAL, counter, "log_lines_dropped_total", "", "Log lines for which there was no room.")      \
  X(log_lines_suppressed, ONE, counter, "log_lines_suppressed_total", "", "Log lines of a kind that came too often.")  \
  X(unknown_fields, SEVERAL, counter, "unknown_fields_total", "",                                                      \
    "Unknown fields of requests' JSON that were passed over.")                                                         \
  X(orphans_dropped, ONE, counter, "orphans_dropped_total", "",                                                        \
    "Orphans with unknown ids for which there was no room.")                                                           \
  X(late_answers_forgotten, ONE, counter, "late_answers_forgotten_total", "",                                          \
    "Late answers that are awaited no longer.")                                                                        \
  X(states_merged, ONE, counter, "states_merged_total", "",                                                            \
    "Changes of the connection's state that a newer one took the place of.")
