// SPDX-License-Identifier: Apache-2.0
// A game server, and where the indexes have it.
#pragma once

#include <cstddef>
#include <memory>

#include "local-processor/allocation/game_server.h"

namespace agones::local {

struct Pool;

struct Candidate : GameServer, std::enable_shared_from_this<Candidate> {
  Candidate(GameServer server, std::size_t its_tag) : GameServer(std::move(server)), tag(its_tag) {}

  std::size_t tag;  // a number of its owner's
  bool gone = false;
  GameServerState counted = GameServerState::kError;  // as which its node counts it
  // The pool that it is in, and its position among the members; null: it can't be allocated now.
  Pool* pool = nullptr;
  std::size_t position = 0;
};

}  // namespace agones::local
