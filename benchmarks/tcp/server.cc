// Our server as the peers in benchmarks/peers are.

#include <string>

#include "benchmarks/tcp/serve.h"

int main(int argc, char** argv) {
  return fasthttp::benchmarks::ServeUntilTerminated(
      argc, argv,
      [](fasthttp::Server& server, const std::string& address) { return server.Start(address); });
}
