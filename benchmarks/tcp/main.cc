// Loads a server and prints what came of it as a line of JSON.
//
//   ./bazelw run --config=opt //benchmarks/tcp -- --port=8080 --conns=64 --seconds=2
//   ./bazelw run --config=opt //benchmarks/tcp -- --port=8080 --rate=20000
//
// What is measured and how: load.h, benchmarks/README.md.

#include "benchmarks/tcp/load_program.h"

int main(int argc, char** argv) { return fasthttp::benchmarks::RunLoadProgram(argc, argv); }
