// The generator as a program: loads a server and prints what came of it as a line of JSON. Its
// flags are in the source; what is measured and how: load.h.
#ifndef FASTHTTP_BENCHMARKS_TCP_LOAD_PROGRAM_H_
#define FASTHTTP_BENCHMARKS_TCP_LOAD_PROGRAM_H_

#include "benchmarks/tcp/load.h"

namespace fasthttp::benchmarks {

// Returns what main does.
int RunLoadProgram(int argc, char** argv, const LayerFactory& layer = nullptr);

}  // namespace fasthttp::benchmarks

#endif  // FASTHTTP_BENCHMARKS_TCP_LOAD_PROGRAM_H_
