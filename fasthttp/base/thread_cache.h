// ThreadCache<T, kMax>: free objects of a type, one list a thread, so that nothing is shared.
//
// An object goes to the list of the thread that gives it back, whichever that is; kMax keeps a
// thread that only frees from hoarding. T is default-constructible and has a member `T* next` for
// the list's use. Whoever gives an object back has reset it: it keeps its memory.
//
// Lists are freed when their thread ends; what is given back later, by destructors that run then,
// is freed at once.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_BASE_THREAD_CACHE_H_
#define FASTHTTP_BASE_THREAD_CACHE_H_

#include <cstdint>

namespace fasthttp::base {

template <typename T, uint32_t kMax>
class ThreadCache {
 public:
  static T* Take() {
    T* object = state_.free;
    if (object == nullptr) return new T;
    state_.free = object->next;
    --state_.count;
    return object;
  }

  static void Give(T* object) {
    if (state_.closed || state_.count == kMax) {
      delete object;
      return;
    }
    if (!state_.watched) {
      state_.watched = true;
      reaper_.Touch();
    }
    object->next = state_.free;
    state_.free = object;
    ++state_.count;
  }

 private:
  // Plain data, so that an object that dies after the thread's others finds it readable.
  struct State {
    T* free = nullptr;
    uint32_t count = 0;
    bool watched = false;  // The reaper exists.
    bool closed = false;   // The thread is ending: free at once.
  };

  struct Reaper {
    ~Reaper() {
      state_.closed = true;
      while (T* object = state_.free) {
        state_.free = object->next;
        delete object;
      }
      state_.count = 0;
    }
    void Touch() {}
  };

  static thread_local State state_;
  static thread_local Reaper reaper_;
};

template <typename T, uint32_t kMax>
constinit thread_local typename ThreadCache<T, kMax>::State ThreadCache<T, kMax>::state_;
template <typename T, uint32_t kMax>
thread_local typename ThreadCache<T, kMax>::Reaper ThreadCache<T, kMax>::reaper_;

}  // namespace fasthttp::base

#endif  // FASTHTTP_BASE_THREAD_CACHE_H_
