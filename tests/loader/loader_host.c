/* SPDX-License-Identifier: Apache-2.0
 * A host that makes a client in a process which may not do everything:
 *   loader-host no-proc|no-memfd|file-size=BYTES|nothing HOST_LIBRARY [FIELD=VALUE ...]
 * Exit code 0: a client was made and ended. 1: it was refused; the reason is printed. 77: such a process can't be had. */
#define _GNU_SOURCE
#include <agones/processor.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static struct {
#define MEMBER(name) proc_##name##_fn* name;
  PROC_EACH_FUNCTION(MEMBER)
} proc;

static int forbid_memfd(void) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof steps / sizeof *steps, steps};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static int hide_proc(void) {
  return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
         mount("none", "/proc", "tmpfs", 0, NULL);
}

static int restrict_to(const char* what) {
  if (!strcmp(what, "nothing")) return 0;
  if (!strcmp(what, "no-proc")) return hide_proc();
  if (!strcmp(what, "no-memfd")) return forbid_memfd();
  const char* equals = strchr(what, '=');
  if (!equals) return -1;
  const struct rlimit limit = {strtoul(equals + 1, NULL, 10), RLIM_INFINITY};
  return setrlimit(RLIMIT_FSIZE, &limit);
}

static void on_event(void* context, const proc_event* event) {
  (void)context, (void)event;
}

int main(int argc, char** argv) {
  char error[1024] = "";
  void* library = argc > 2 ? dlopen(argv[2], RTLD_NOW) : NULL;
  if (!library) return 2;
#define FIND(name) \
  if (!(*(void**)& proc.name = dlsym(library, "proc_" #name))) return 2;
  PROC_EACH_FUNCTION(FIND)
  proc_config config;
  proc.config_init(PROC_ABI_VERSION, &config, sizeof config, NULL, 0);
  proc.config_set(&config, "processor_address", "127.0.0.1:1", NULL, 0);
  proc.config_set(&config, "transport", "plaintext", NULL, 0);
  config.on_event = on_event;
  for (int i = 3; i < argc; i++) {
    char* equals = strchr(argv[i], '=');
    if (!equals) return 2;
    *equals = '\0';
    if (proc.config_set(&config, argv[i], equals + 1, error, sizeof error)) return puts(error), 3;
  }
  if (restrict_to(argv[1])) return 77;
  proc_client* client = NULL;
  const proc_status status = proc.init(&config, &client, error, sizeof error);
  proc.config_clear(&config);
  if (status != PROC_OK) return puts(error), 1;
  if (proc.shutdown(client, 1000, error, sizeof error) || proc.destroy(client, error, sizeof error))
    return puts(error), 4;
  return 0;
}
