// Free functions of header.h, and trailers.
#include <algorithm>

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/header.h"
#include "fasthttp/http1/framing.h"

namespace fasthttp {
namespace {

// Cuts the next element off a comma-separated list, without the white space around it.
std::string_view NextElement(std::string_view& list) {
  size_t comma = std::min(list.find(','), list.size());
  std::string_view element = TrimOws(list.substr(0, comma));
  list.remove_prefix(std::min(comma + 1, list.size()));
  return element;
}

// The length of a quoted string's inside at the start of `text`, which is behind the quote; npos if
// it does not end.
size_t QuotedLength(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return i;
    if (text[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

size_t TokenLength(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && IsTokenChar(static_cast<unsigned char>(text[n]))) ++n;
  return n;
}

void SkipOws(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

}  // namespace

void VisitHeaderParams(std::string_view value,
                       absl::FunctionRef<bool(std::string_view name, std::string_view value)> f) {
  size_t start = value.find(';');
  while (start != std::string_view::npos) {
    value.remove_prefix(start + 1);
    SkipOws(value);
    size_t name_size = TokenLength(value);
    if (name_size == 0 || name_size == value.size() || value[name_size] != '=') return;
    std::string_view name = value.substr(0, name_size);
    value.remove_prefix(name_size + 1);
    if (value.empty()) return;
    size_t size;
    if (value[0] == '"') {
      value.remove_prefix(1);
      size = QuotedLength(value);
      if (size == std::string_view::npos) return;
      if (!f(name, value.substr(0, size))) return;
      value.remove_prefix(size + 1);
    } else {
      size = TokenLength(value);
      if (size == 0 || !f(name, value.substr(0, size))) return;
      value.remove_prefix(size);
    }
    SkipOws(value);
    if (!value.empty() && value[0] != ';') return;
    start = value.empty() ? std::string_view::npos : 0;
  }
}

absl::Status TrailerList::Set(std::string_view names) {
  std::string copy(names);  // May be a view of this list.
  list_.Clear();
  return Add(copy);
}

absl::Status TrailerList::Add(std::string_view given) {
  std::string copy(given);
  std::string_view names = copy;
  bool bad = false;
  while (!names.empty()) {
    std::string_view name = NextElement(names);
    if (name.empty()) continue;
    if (!IsToken(name) || http1::IsForbiddenTrailer(name)) {
      bad = true;
    } else if (!Has(name)) {
      list_.Add(http1::LookupKnownField(name), name, {}, internal::FieldList::Bytes::kAsGiven);
      size_t last = list_.size() - 1;
      internal::NormalizeHeaderKey(list_.MutableName(last), name.size());
    }
  }
  UpdateLine();
  return bad ? ToStatus(Errc::kBadTrailer) : absl::OkStatus();
}

Errc TrailerList::AddReceived(std::string_view name, std::string_view value) {
  if (!IsToken(name) || http1::IsForbiddenTrailer(name) || !IsFieldValue(value))
    return Errc::kBadTrailer;
  const size_t announced = list_.FindFold(name);
  if (announced != internal::FieldList::kNotFound && list_.value(announced).empty()) {
    list_.SetValue(announced, value, internal::FieldList::Bytes::kAsGiven);
    return Errc::kOk;
  }
  list_.Add(http1::LookupKnownField(name), name, value, internal::FieldList::Bytes::kAsGiven);
  UpdateLine();
  return Errc::kOk;
}

void TrailerList::Clear() {
  list_.Clear();
  line_.clear();
}

void TrailerList::CopyFrom(const TrailerList& other) {
  list_.CopyFrom(other.list_);
  line_ = other.line_;
}

void TrailerList::UpdateLine() {
  line_.clear();
  for (size_t i = 0; i < list_.size(); ++i) {
    if (i != 0) line_.append(", ");
    line_.append(list_.name(i));
  }
}

bool TrailerList::Has(std::string_view name) const {
  return list_.FindFold(name) != internal::FieldList::kNotFound;
}

std::string_view TrailerList::Peek(std::string_view name) const {
  size_t i = list_.FindFold(name);
  return i == internal::FieldList::kNotFound ? std::string_view() : list_.value(i);
}

void TrailerList::Del(std::string_view name) {
  for (size_t i = list_.FindFold(name); i != internal::FieldList::kNotFound;
       i = list_.FindFold(name, i)) {
    list_.Erase(i);
  }
  UpdateLine();
}

TrailerList& HeaderTrailers::MutableTrailers() {
  if (trailers_ == nullptr) trailers_ = std::make_unique<TrailerList>();
  trailers_used_ = used_ = true;
  return *trailers_;
}

FieldViews HeaderTrailers::PeekTrailerKeys() const {
  FieldViews names;
  for (size_t i = 0; trailers_used_ && i < trailers_->size(); ++i) {
    names.push_back(trailers_->name(i));
  }
  return names;
}

void HeaderTrailers::SwapTrailers(HeaderTrailers& other) {
  std::swap(trailers_, other.trailers_);
  std::swap(trailers_used_, other.trailers_used_);
  std::swap(used_, other.used_);
}

void HeaderTrailers::CopyTrailersTo(HeaderTrailers& to) const {
  if (trailers_used_) to.MutableTrailers().CopyFrom(*trailers_);
}

void HeaderTrailers::VisitTrailers(absl::FunctionRef<std::string_view(std::string_view name)> peek,
                                   FieldVisitor f) const {
  for (size_t i = 0; trailers_used_ && i < trailers_->size(); ++i) {
    std::string_view value = trailers_->value(i);
    f(trailers_->name(i), value.empty() ? peek(trailers_->name(i)) : value);
  }
}

}  // namespace fasthttp
