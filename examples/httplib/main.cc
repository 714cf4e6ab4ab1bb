// A program for cpp-httplib: keeps notes in memory.
#include <httplib.h>

#include <map>
#include <mutex>
#include <string>

#include "adaptor/httplib.h"

std::mutex mutex;
std::map<std::string, std::string> notes;

template <typename Server>
void AddRoutes(Server& server) {
  server.Get(R"(/notes/(\w+))", [](const httplib::Request& req, httplib::Response& res) {
    std::lock_guard<std::mutex> lock(mutex);
    auto note = notes.find(req.matches[1]);
    if (note == notes.end()) {
      res.status = 404;
    } else {
      res.set_content(note->second, "text/plain");
    }
  });
  server.Put(R"(/notes/(\w+))", [](const httplib::Request& req, httplib::Response& res) {
    std::lock_guard<std::mutex> lock(mutex);
    notes[req.matches[1]] = req.body;
    res.status = 201;
  });
  server.Get("/count", [](const httplib::Request&, httplib::Response& res) {
    std::lock_guard<std::mutex> lock(mutex);
    res.set_content(std::to_string(notes.size()), "text/plain");
  });
}

int main() {
  fasthttpadaptor::HttplibServer server;
  AddRoutes(server);
  return server.listen("0.0.0.0", 8080) ? 0 : 1;
}
