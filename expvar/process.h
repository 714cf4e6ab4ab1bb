// What the operating system and the allocator tell about this process: the built-in variables.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_PROCESS_H_
#define FASTHTTP_EXPVAR_PROCESS_H_

#include "expvar/var.h"

namespace expvar::internal {

// The arguments of the process, the program first.
Value CommandLine();

// An object of bytes: rss, virtual, shared, data (/proc/self/statm) and rss_peak; and of the C
// library's allocator: heap_allocated (in use), heap_free (kept for reuse), heap_mapped (in large
// blocks of their own, part of heap_allocated). What cannot be had is left out. Reading it takes
// some 20 us.
Value MemoryStats();

// An object: cpu_seconds_total (user and system), threads, start_time_seconds (since the epoch),
// resident_memory_bytes and virtual_memory_bytes: as metrics they bear the names that Prometheus'
// own libraries use.
Value ProcessStats();

}  // namespace expvar::internal

#endif  // FASTHTTP_EXPVAR_PROCESS_H_
