/* SPDX-License-Identifier: Apache-2.0
 * Every function of the headers and nothing behind it: what the ABI baseline is made from and compared with. */
#include <agones/processor_swap.h>

#include "full_plugin.h"

EXPORT proc_status proc_swap(proc_client* client, const char* file, const char* sha256, char* error,
                             uint64_t error_size) {
  return (void)client, (void)file, (void)sha256, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_get_swap_report(const proc_client* client, proc_swap_report* report, char* error,
                                        uint64_t error_size) {
  return (void)client, (void)report, (void)error, (void)error_size, PROC_OK;
}
EXPORT proc_status proc_get_plugin_version(const proc_client* client, char* version, uint64_t size, char* error,
                                           uint64_t error_size) {
  return (void)client, (void)version, (void)size, (void)error, (void)error_size, PROC_OK;
}
