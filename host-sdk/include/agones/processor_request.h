/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests without JSON and without Protobuf: writes an allocation.AllocationRequest, field by field, into a buffer of the
 * caller's. A header alone: nothing to link, no memory but the buffer. C++ hosts have agones/request.hpp.
 *
 *     char buffer[512];
 *     proc_writer writer = proc_writer_on(buffer, sizeof(buffer));
 *     proc_put_text(&writer, PROC_REQUEST_NAMESPACE, "default");
 *     proc_begin(&writer, PROC_REQUEST_GAME_SERVER_SELECTORS);
 *     proc_put_entry(&writer, PROC_SELECTOR_MATCH_LABELS, "agones.dev/fleet", "blue");
 *     proc_end(&writer);
 *     if (proc_writer_status(&writer) == PROC_OK) {
 *       allocate(client, PROC_FORMAT_PROTOBUF, buffer, writer.size, ...);
 *     }
 *
 * The first thing that goes wrong makes every later call do nothing, so that the status needs to be looked at once, at the
 * end. Which field takes which function stands beside the field; proc_allocate names the field if it was another one.
 * Text is UTF-8. A writer is used by one thread at a time.
 */
#ifndef AGONES_PROCESSOR_REQUEST_H
#define AGONES_PROCESSOR_REQUEST_H

#include <string.h>

#include "processor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------------
 * The fields of the contract. text: proc_put_text. number: proc_put_number, for enums and flags, too. message: proc_begin.
 * texts: proc_put_entry. entries: proc_begin_entry. wrapped: proc_put_wrapped_text or proc_put_wrapped_number, for fields
 * that are not there or are there, even with an empty text or 0. "repeated": may be written more than once.
 * ------------------------------------------------------------------------------------------------- */

/* allocation.AllocationRequest */
enum proc_request_fields {
  PROC_REQUEST_NAMESPACE = 1,                       /* text; required, but for several clusters */
  PROC_REQUEST_MULTI_CLUSTER_SETTING = 2,           /* message: PROC_MULTI_CLUSTER_* */
  PROC_REQUEST_REQUIRED_GAME_SERVER_SELECTOR = 3,   /* message: PROC_SELECTOR_*; deprecated by Agones */
  PROC_REQUEST_PREFERRED_GAME_SERVER_SELECTORS = 4, /* repeated message: PROC_SELECTOR_*; deprecated by Agones */
  PROC_REQUEST_SCHEDULING = 5,                      /* number: PROC_SCHEDULING_* */
  PROC_REQUEST_META_PATCH = 6,                      /* message: PROC_METADATA_*; deprecated by Agones */
  PROC_REQUEST_METADATA = 7,                        /* message: PROC_METADATA_* */
  PROC_REQUEST_GAME_SERVER_SELECTORS = 8,           /* repeated message: PROC_SELECTOR_*; tried in order */
  PROC_REQUEST_PRIORITIES = 9,                      /* repeated message: PROC_PRIORITY_* */
  PROC_REQUEST_COUNTERS = 10,                       /* entries: PROC_COUNTER_ACTION_* */
  PROC_REQUEST_LISTS = 11                           /* entries: PROC_LIST_ACTION_* */
};

/* allocation.MultiClusterSetting */
enum proc_multi_cluster_fields {
  PROC_MULTI_CLUSTER_ENABLED = 1,        /* number: 0 or 1 */
  PROC_MULTI_CLUSTER_POLICY_SELECTOR = 2 /* message: PROC_LABEL_SELECTOR_* */
};

/* allocation.LabelSelector */
enum proc_label_selector_fields { PROC_LABEL_SELECTOR_MATCH_LABELS = 1 /* texts */ };

/* allocation.MetaPatch: what is put on the game server */
enum proc_metadata_fields {
  PROC_METADATA_LABELS = 1,     /* texts */
  PROC_METADATA_ANNOTATIONS = 2 /* texts */
};

/* allocation.GameServerSelector */
enum proc_selector_fields {
  PROC_SELECTOR_MATCH_LABELS = 1,      /* texts */
  PROC_SELECTOR_GAME_SERVER_STATE = 2, /* number: PROC_STATE_* */
  PROC_SELECTOR_COUNTERS = 4,          /* entries: PROC_COUNTER_SELECTOR_* */
  PROC_SELECTOR_LISTS = 5,             /* entries: PROC_LIST_SELECTOR_* */
  PROC_SELECTOR_MATCH_EXPRESSIONS = 6  /* repeated message: PROC_EXPRESSION_* */
};

/* allocation.LabelMatchExpressions; a processor before v1.59 ignores them */
enum proc_expression_fields {
  PROC_EXPRESSION_KEY = 1,      /* text */
  PROC_EXPRESSION_OPERATOR = 2, /* number: PROC_OPERATOR_* */
  PROC_EXPRESSION_VALUES = 3    /* repeated text */
};

/* allocation.CounterSelector; a maximum of 0 means none */
enum proc_counter_selector_fields {
  PROC_COUNTER_SELECTOR_MIN_COUNT = 1,     /* number */
  PROC_COUNTER_SELECTOR_MAX_COUNT = 2,     /* number */
  PROC_COUNTER_SELECTOR_MIN_AVAILABLE = 3, /* number */
  PROC_COUNTER_SELECTOR_MAX_AVAILABLE = 4  /* number */
};

/* allocation.ListSelector */
enum proc_list_selector_fields {
  PROC_LIST_SELECTOR_CONTAINS_VALUE = 1, /* text */
  PROC_LIST_SELECTOR_MIN_AVAILABLE = 2,  /* number */
  PROC_LIST_SELECTOR_MAX_AVAILABLE = 3   /* number */
};

/* allocation.Priority */
enum proc_priority_fields {
  PROC_PRIORITY_TYPE = 1, /* number: PROC_PRIORITY_TYPE_* */
  PROC_PRIORITY_KEY = 2,  /* text: the counter's or list's name */
  PROC_PRIORITY_ORDER = 3 /* number: PROC_ORDER_* */
};

/* allocation.CounterAction: what an allocation does to a counter */
enum proc_counter_action_fields {
  PROC_COUNTER_ACTION_ACTION = 1,  /* wrapped text: "Increment" or "Decrement" */
  PROC_COUNTER_ACTION_AMOUNT = 2,  /* wrapped number */
  PROC_COUNTER_ACTION_CAPACITY = 3 /* wrapped number */
};

/* allocation.ListAction */
enum proc_list_action_fields {
  PROC_LIST_ACTION_ADD_VALUES = 1,   /* repeated text */
  PROC_LIST_ACTION_CAPACITY = 2,     /* wrapped number */
  PROC_LIST_ACTION_DELETE_VALUES = 3 /* repeated text */
};

enum proc_scheduling { PROC_SCHEDULING_PACKED = 0, PROC_SCHEDULING_DISTRIBUTED = 1 };
enum proc_game_server_state { PROC_STATE_READY = 0, PROC_STATE_ALLOCATED = 1 };
enum proc_operator {
  PROC_OPERATOR_IN = 0,
  PROC_OPERATOR_NOT_IN = 1,
  PROC_OPERATOR_EXISTS = 2,
  PROC_OPERATOR_DOES_NOT_EXIST = 3
};
enum proc_priority_type { PROC_PRIORITY_TYPE_COUNTER = 0, PROC_PRIORITY_TYPE_LIST = 1 };
enum proc_order { PROC_ORDER_ASCENDING = 0, PROC_ORDER_DESCENDING = 1 };

/* ---------------------------------------------------------------------------------------------------
 * The writer
 * ------------------------------------------------------------------------------------------------- */

enum { PROC_WRITER_DEPTH = 8 };

/* Made by proc_writer_on. `size`: the bytes that are written; all else is the writer's own. */
typedef struct proc_writer {
  char* data;
  uint64_t capacity;
  uint64_t size;
  proc_status status;
  uint32_t depth;                   /* messages and entries that are open */
  uint64_t open[PROC_WRITER_DEPTH]; /* where the content of each begins */
} proc_writer;

static inline proc_writer proc_writer_on(void* buffer, uint64_t capacity) {
  proc_writer writer;
  memset(&writer, 0, sizeof(writer));
  writer.data = (char*)buffer;
  writer.capacity = capacity;
  return writer;
}

/* PROC_OK: the request is whole. TOO_LARGE: the buffer is too small. INVALID_ARGUMENT: proc_begin and proc_end don't
 * match, or nest deeper than the contract does; or a text was NULL. */
static inline proc_status proc_writer_status(const proc_writer* writer) {
  if (writer->status != PROC_OK) {
    return writer->status;
  }
  return writer->depth == 0 ? PROC_OK : PROC_ERR_INVALID_ARGUMENT;
}

/* The five functions in between are for this file. Room for `more` bytes; 0 if there is none. */
static inline int proc_writer_room(proc_writer* writer, uint64_t more) {
  if (writer->status == PROC_OK && more > writer->capacity - writer->size) {
    writer->status = PROC_ERR_TOO_LARGE;
  }
  return writer->status == PROC_OK;
}

static inline void proc_writer_varint(proc_writer* writer, uint64_t value) {
  do {
    if (!proc_writer_room(writer, 1)) {
      return;
    }
    writer->data[writer->size++] = (char)(unsigned char)((value & 0x7fU) | (value > 0x7fU ? 0x80U : 0U));
    value >>= 7;
  } while (value != 0);
}

static inline void proc_writer_bytes(proc_writer* writer, uint32_t field, const char* data, uint64_t size) {
  if (data == NULL && size != 0) {
    writer->status = writer->status == PROC_OK ? PROC_ERR_INVALID_ARGUMENT : writer->status;
    return;
  }
  proc_writer_varint(writer, ((uint64_t)field << 3) | 2U);
  proc_writer_varint(writer, size);
  if (proc_writer_room(writer, size) && size != 0) {
    memcpy(writer->data + writer->size, data, (size_t)size);
    writer->size += size;
  }
}

static inline void proc_writer_open(proc_writer* writer, uint32_t field) {
  if (writer->status == PROC_OK && writer->depth == PROC_WRITER_DEPTH) {
    writer->status = PROC_ERR_INVALID_ARGUMENT;
  }
  proc_writer_varint(writer, ((uint64_t)field << 3) | 2U);
  /* Its length is written when it ends: mostly into this byte. */
  proc_writer_varint(writer, 0);
  if (writer->status == PROC_OK) {
    writer->open[writer->depth++] = writer->size;
  }
}

static inline void proc_writer_close(proc_writer* writer) {
  uint64_t content, length, more;
  if (writer->status == PROC_OK && writer->depth == 0) {
    writer->status = PROC_ERR_INVALID_ARGUMENT;
  }
  if (writer->status != PROC_OK) {
    return;
  }
  content = writer->open[--writer->depth];
  length = writer->size - content;
  more = 0;
  while (length >> (7 * (more + 1)) != 0) {
    ++more;
  }
  if (proc_writer_room(writer, more)) {
    memmove(writer->data + content + more, writer->data + content, (size_t)length);
    writer->size = content - 1;
    proc_writer_varint(writer, length);
    writer->size += length;
  }
}

/* A text of `size` bytes. */
static inline void proc_put_text_of(proc_writer* writer, uint32_t field, const char* text, uint64_t size) {
  proc_writer_bytes(writer, field, text, size);
}

/* A text that ends with NUL. */
static inline void proc_put_text(proc_writer* writer, uint32_t field, const char* text) {
  proc_writer_bytes(writer, field, text, text != NULL ? strlen(text) : 1);
}

static inline void proc_put_number(proc_writer* writer, uint32_t field, int64_t number) {
  proc_writer_varint(writer, (uint64_t)field << 3);
  proc_writer_varint(writer, (uint64_t)number);
}

static inline void proc_put_wrapped_text(proc_writer* writer, uint32_t field, const char* text) {
  proc_writer_open(writer, field);
  proc_put_text(writer, 1, text);
  proc_writer_close(writer);
}

static inline void proc_put_wrapped_number(proc_writer* writer, uint32_t field, int64_t number) {
  proc_writer_open(writer, field);
  proc_put_number(writer, 1, number);
  proc_writer_close(writer);
}

/* A key and a text, of a field of texts. A key that is written again takes the place of the first. */
static inline void proc_put_entry(proc_writer* writer, uint32_t field, const char* key, const char* text) {
  proc_writer_open(writer, field);
  proc_put_text(writer, 1, key);
  proc_put_text(writer, 2, text);
  proc_writer_close(writer);
}

/* Begins a message; what follows are its fields, until proc_end. */
static inline void proc_begin(proc_writer* writer, uint32_t field) {
  proc_writer_open(writer, field);
}
static inline void proc_end(proc_writer* writer) {
  proc_writer_close(writer);
}

/* Begins an entry, whose value is a message; what follows are the message's fields, until proc_end_entry. */
static inline void proc_begin_entry(proc_writer* writer, uint32_t field, const char* key) {
  proc_writer_open(writer, field);
  proc_put_text(writer, 1, key);
  proc_writer_open(writer, 2);
}
static inline void proc_end_entry(proc_writer* writer) {
  proc_writer_close(writer);
  proc_writer_close(writer);
}

#ifdef __cplusplus
}
#endif

#endif /* AGONES_PROCESSOR_REQUEST_H */
