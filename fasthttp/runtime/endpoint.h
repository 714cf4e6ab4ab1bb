// Endpoint: a loop's 128 bytes for one connection or listener, named by slot and generation.
//
// The first cache line belongs to the runtime, the second holds the socket itself (an in-memory or
// user-supplied Conn is a separate object) and a small area for the endpoint's owner, for instance
// the HTTP server's state of an idle connection. Everything larger hangs on a pointer that is null
// while the connection is idle.
//
// Thread class: loop-confined.
#ifndef FASTHTTP_RUNTIME_ENDPOINT_H_
#define FASTHTTP_RUNTIME_ENDPOINT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "fasthttp/base/check.h"
#include "fasthttp/runtime/timer_wheel.h"
#include "fasthttp/runtime/transport.h"

namespace fasthttp::runtime {

class Loop;
struct Endpoint;
struct Wait;

// Who is called when something happens at an endpoint and no fiber waits for it. Called from
// Loop::Step only; must not block.
class EventSink {
 public:
  virtual void OnReady(Endpoint& endpoint, uint8_t ready) = 0;
  virtual void OnTimer(Endpoint& endpoint) = 0;
  // A fiber that waits has been told, for sinks that wait for something themselves: nobody says it
  // again. Also called from within Notify, hence from anywhere: may do no more than queue.
  virtual void OnReadyBesides(Endpoint&, uint8_t) {}

 protected:
  ~EventSink() = default;
};

struct alignas(64) Endpoint {
  static constexpr size_t kSocketBytes = 40;
  static constexpr size_t kOwnerBytes = 24;

  ReadyToken token(Loop& loop) const { return {&loop, slot, generation}; }

  Conn* conn = nullptr;       // Null while the slot is free, or a listener's.
  EventSink* sink = nullptr;  // Null while the slot is free.
  Wait* waits = nullptr;      // Fibers that wait for readiness, linked by Wait::next.
  uint32_t slot = 0;          // The table's: don't write.
  uint32_t generation = 0;
  TimerNode timer;  // In the loop's endpoint wheel.

  // Readiness seen and not yet used up (Ready bits); edge-triggered events come only once.
  uint8_t latched = 0;
  bool armed = false;  // Registered with the poller or the transport.
  uint16_t owner_state = 0;
  uint32_t opened = 0;  // Tick at which it was opened.

  // Uninitialised storage.
  alignas(8) unsigned char socket[kSocketBytes];
  alignas(8) unsigned char owner[kOwnerBytes];
};
static_assert(sizeof(Endpoint) == 128);

// The endpoints of a loop, in 64 KiB slabs of 512. The lowest free slot is taken, so that after a
// burst the upper slabs empty and Trim() gives their pages back; last-in-first-out would keep a
// few live connections in every slab.
class EndpointTable {
 public:
  static constexpr uint32_t kPerSlab = 512;

  EndpointTable() = default;
  ~EndpointTable();
  EndpointTable(const EndpointTable&) = delete;
  EndpointTable& operator=(const EndpointTable&) = delete;

  // A free endpoint with a generation never used before for its slot; null if memory is out.
  Endpoint* Take() {
    if (open_ == nullptr || open_->open_words == 0) [[unlikely]] {
      if (!FindOpen()) return nullptr;
    }
    Slab& slab = *open_;
    const int word = std::countr_zero(slab.open_words);
    const int bit = std::countr_zero(slab.free[word]);
    slab.free[word] &= slab.free[word] - 1;
    if (slab.free[word] == 0) slab.open_words &= slab.open_words - 1;
    ++slab.used;
    return &slab.cells[word * 64 + bit];
  }

  void Release(Endpoint& endpoint) {
    FASTHTTP_DCHECK(endpoint.waits == nullptr && !endpoint.timer.armed(),
                    "an endpoint was released while in use");
    ++endpoint.generation;
    endpoint.conn = nullptr;
    endpoint.sink = nullptr;
    endpoint.latched = 0;
    endpoint.armed = false;
    endpoint.owner_state = 0;
    Slab& slab = *slabs_[endpoint.slot / kPerSlab];
    const uint32_t word = endpoint.slot % kPerSlab / 64;
    slab.free[word] |= uint64_t{1} << (endpoint.slot % 64);
    slab.open_words |= 1u << word;
    --slab.used;
    if (slab.index < open_->index) open_ = &slab;
  }

  // The endpoint if it is in use with this generation, else null.
  Endpoint* Find(uint32_t slot, uint32_t generation) {
    if (slot >= slots_) return nullptr;
    // The pages of a slab that is not resident are zero: no sink.
    Endpoint& endpoint = cells_[slot / kPerSlab][slot % kPerSlab];
    return endpoint.generation == generation && endpoint.sink != nullptr ? &endpoint : nullptr;
  }

  // Every slot ever used, free ones (null conn) too; for walks such as a shutdown's.
  uint32_t slots() const { return slots_; }
  Endpoint* At(uint32_t slot) {
    const size_t index = slot / kPerSlab;
    if (index >= slabs_.size() || !slabs_[index]->resident) return nullptr;
    return &slabs_[index]->cells[slot % kPerSlab];
  }

  size_t in_use() const;

  // Gives the pages of empty slabs back to the kernel.
  void Trim();

 private:
  struct Slab {
    Endpoint* cells = nullptr;
    uint64_t free[kPerSlab / 64];  // A bit for each free slot,
    uint32_t open_words = 0;       // and one for each word that has any. None while not resident.
    uint32_t used = 0;
    uint32_t index = 0;
    uint32_t first_generation = 1;  // Above all that were used before the pages were given back.
    bool resident = false;
  };
  bool FindOpen();
  bool AddSlab();
  void MakeResident(Slab& slab);

  std::vector<std::unique_ptr<Slab>> slabs_;
  std::vector<Endpoint*> cells_;  // Of each slab.
  uint32_t slots_ = 0;
  Slab* open_ = nullptr;  // No slab before this one has a free slot.
};

}  // namespace fasthttp::runtime

#endif  // FASTHTTP_RUNTIME_ENDPOINT_H_
