// A thread's first wait on an absl::Mutex races, as TSan sees it, with the mmap of the memory that
// its identity lives in (https://github.com/google/sanitizers/issues/953).
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:absl::*::synchronization_internal::PerThreadSem::Post\n"
         "race:AbslInternalPerThreadSemPost*\n";
}
