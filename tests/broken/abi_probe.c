/* SPDX-License-Identifier: Apache-2.0
 * Every function of the header and nothing behind it: what the ABI baseline is made from and compared with. */
#include "full_plugin.h"
