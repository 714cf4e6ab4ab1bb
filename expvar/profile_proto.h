// A CPU profile as the pprof tools read it: a message of profile.proto, with function names, so
// that no tool needs the program.
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_EXPVAR_PROFILE_PROTO_H_
#define FASTHTTP_EXPVAR_PROFILE_PROTO_H_

#include <string>

#include "expvar/cpu_profile.h"

namespace expvar {

// Appends the message, not compressed; the tools take it so. Names come from the program's symbol
// table: about a millisecond for each address that differs, so call it in Offload.
void AppendProfileProto(std::string& dst, const CpuProfile& profile);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_PROFILE_PROTO_H_
