/* SPDX-License-Identifier: Apache-2.0
 * A host that may have little: limits-host PLUGIN ADDRESS nofile|nproc|as|forbid NUMBER. `forbid`: the system call of that
 * number, which answers EPERM, as seccomp profiles of containers do; then it prints what it was refused with. Exit code 0: a client was made, shut
 * down and unloaded. 1: it was refused, with words, and left nothing behind. Anything else is a fault. */
#include <agones/processor.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static struct {
#define MEMBER(name) proc_##name##_fn* name;
  PROC_EACH_FUNCTION(MEMBER)
} proc;

static void on_event(void* context, const proc_event* event) {
  (void)context, (void)event;
}

static int forbid(unsigned long number) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int set_limit(const char* what, unsigned long number) {
  if (strcmp(what, "forbid") == 0) return forbid(number);
  const int is_nproc = strcmp(what, "nproc") == 0;
  const struct rlimit limit = {number, number};
  /* Root has no limit of threads. */
  if (is_nproc && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)) return -1;
  return setrlimit(is_nproc ? RLIMIT_NPROC : strcmp(what, "as") == 0 ? RLIMIT_AS : RLIMIT_NOFILE, &limit);
}

int main(int argc, char** argv) {
  char error[512] = "";
  void* library = argc == 5 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (!library) return 2;
#define FIND(name) \
  if (!(*(void**)& proc.name = dlsym(library, "proc_" #name))) return 2;
  PROC_EACH_FUNCTION(FIND)
  proc_config config;
  proc_client* client = NULL;
  if (proc.config_init(PROC_ABI_VERSION, &config, sizeof config, NULL, 0) != PROC_OK) return 2;
  config.processor_address.data = argv[2];
  config.processor_address.size = strlen(argv[2]);
  config.transport = PROC_TRANSPORT_PLAINTEXT;
  config.on_event = on_event;
  if (set_limit(argv[3], strtoul(argv[4], NULL, 10)) != 0) return 3;
  const proc_status status = proc.init(&config, &client, error, sizeof error);
  if (status == PROC_OK) {
    for (int i = 0; i < 20; i++) proc.poll(client, 0, 0, 10, NULL, NULL, NULL, 0);
    if (proc.shutdown(client, 1000, error, sizeof error) != PROC_OK) return 4;
    if (proc.destroy(client, NULL, 0) != PROC_OK) return 5;
  } else if ((status != PROC_ERR_NO_RESOURCES && status != PROC_ERR_NO_MEMORY) || !error[0] || client) {
    return 6;
  }
  char refusal[sizeof error];
  strcpy(refusal, error);
  for (int i = 0; proc.get_unload_state(error, sizeof error) != PROC_UNLOAD_SAFE; i++) {
    if (i == 10000) return 7;
    usleep(1000);
  }
  puts(strcmp(argv[3], "forbid") == 0 ? refusal : error);
  return status == PROC_OK ? 0 : 1;
}
