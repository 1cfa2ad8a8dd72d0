// SPDX-License-Identifier: Apache-2.0
package agones.processor;

import java.time.Duration;

/**
 * How a swap went.
 *
 * @param unloaded whether the old library is out of the process; else keptBecause says why not
 */
public record SwapReport(String fromVersion, String toVersion, long moved, long drained, Duration longestGap, boolean unloaded,
        String keptBecause) {}
