// Header: the fields of a message, as handlers of the standard style see them.
//
// An ordered multimap: names are compared with ASCII case folded and kept as they were given;
// duplicates stay, in order. Lookups are linear.
//
//   for (const auto& [name, value] : request.header) ...
//
// Views are valid until the next call that changes the Header, and, of a request in its handler, at
// most until that returns.
//
// Memory: all fields in two blocks, which clear() keeps. A request's Header refers to the received
// bytes until somebody walks through it or changes it.
//
// Thread class: thread-compatible; on the Headers of a request and its ResponseWriter the const
// calls too, one thread at a time.
#ifndef FASTHTTP_ADAPTOR_HEADER_H_
#define FASTHTTP_ADAPTOR_HEADER_H_

#include <cstddef>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/base/attributes.h"
#include "fasthttp/byte_buffer.h"
#include "fasthttp/field_list.h"
#include "fasthttp/header.h"

namespace fasthttpadaptor {

class Header {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };
  class const_iterator;

  Header() = default;
  Header(const Header& from) { *this = from; }
  Header& operator=(const Header& from);

  // Replaces all fields of that name by one.
  void Set(std::string_view name, std::string_view value) {
    if (of_response_ && name == kContentType && fields_.empty() && value.size() <= kMaxTypeSize) {
      only_type_ = true;
      return type_.Assign(value);
    }
    SetField(name, value);
  }
  // Appends one, whatever is there.
  void Add(std::string_view name, std::string_view value);
  // The first value; {} if there is none (Has tells).
  std::string_view Get(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // All values of that name, in order.
  std::vector<std::string_view> Values(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  bool Has(std::string_view name) const;
  // Removes all fields of that name.
  void Del(std::string_view name);

  size_t size() const { return Loaded().size(); }
  bool empty() const { return size() == 0; }
  void clear() {
    source_ = nullptr;
    only_type_ = false;
    if (!fields_.empty()) fields_.Clear();
  }

  // Every field in order.
  const_iterator begin() const;
  const_iterator end() const;

 private:
  friend struct Request;
  friend class ServerWriter;

  static constexpr std::string_view kContentType = "Content-Type";
  static constexpr size_t kMaxTypeSize = 256;

  // What an empty one becomes: what `source` holds, but for Transfer-Encoding; `source` is not
  // changed meanwhile.
  void Refer(const fasthttp::RequestHeader& source) { source_ = &source; }
  const fasthttp::internal::FieldList& Loaded() const {
    if (source_ != nullptr || only_type_) Load();
    return fields_;
  }
  void Load() const;
  void SetField(std::string_view name, std::string_view value);

  mutable const fasthttp::RequestHeader* source_ = nullptr;  // Not loaded yet.
  mutable fasthttp::internal::FieldList fields_;
  // Most handlers set a Content-Type and nothing else: then it stands here, if this is the Header
  // of a ServerWriter.
  bool of_response_ = false;
  mutable bool only_type_ = false;
  fasthttp::internal::ByteBuffer type_;
};

class Header::const_iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Field;
  using difference_type = std::ptrdiff_t;
  using pointer = const Field*;
  using reference = Field;

  Field operator*() const { return {fields_->name(i_), fields_->value(i_)}; }
  const_iterator& operator++() {
    ++i_;
    return *this;
  }
  friend bool operator==(const const_iterator& a, const const_iterator& b) { return a.i_ == b.i_; }

 private:
  friend class Header;
  const_iterator(const fasthttp::internal::FieldList* fields, size_t i) : fields_(fields), i_(i) {}

  const fasthttp::internal::FieldList* fields_;
  size_t i_;
};

inline Header::const_iterator Header::begin() const { return {&Loaded(), 0}; }
inline Header::const_iterator Header::end() const { return {&Loaded(), Loaded().size()}; }

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_HEADER_H_
