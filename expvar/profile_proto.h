// Profiles as the pprof tools read them: messages of profile.proto, with function names, so that no
// tool needs the program. Not compressed; the tools take it so.
//
// Names come from the program's symbol table, which is slow (docs/guide/pprof.md): call in Offload.
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_EXPVAR_PROFILE_PROTO_H_
#define FASTHTTP_EXPVAR_PROFILE_PROTO_H_

#include <string>

#include "expvar/cpu_profile.h"
#include "expvar/heap_profile.h"

namespace expvar {

void AppendProfileProto(std::string& dst, const CpuProfile& profile);

// What the tools show first. Both are in the message.
enum class HeapView { kLive, kAllocated };
void AppendProfileProto(std::string& dst, const HeapProfile& profile, HeapView view);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_PROFILE_PROTO_H_
