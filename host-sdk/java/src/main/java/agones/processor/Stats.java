// SPDX-License-Identifier: Apache-2.0
package agones.processor;

/** Counters since the beginning; the first four are as of now. As the fields of the ABI's proc_stats. */
public record Stats(long pending, long unsent, long inFlight, long lateAnswers, long accepted, long allocated, long rejected,
        long timedOut, long cancelled, long disconnected, long shutDown, long orphans, long streams, long pulls, long batchesSent,
        long unknown) {}
