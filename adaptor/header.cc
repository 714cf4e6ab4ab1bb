#include "adaptor/header.h"

#include <string>
#include <utility>

#include "fasthttp/bytes.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::internal::FieldList;

// Which the library decodes, and hands out apart from the others.
bool IsTransferEncoding(std::string_view name) {
  return fasthttp::EqualsIgnoreCase(name, "Transfer-Encoding");
}

void Append(FieldList& fields, std::string_view name, std::string_view value) {
  fields.Add({}, name, value, FieldList::Bytes::kAsGiven);
}

}  // namespace

Header& Header::operator=(const Header& from) {
  if (this == &from) return *this;
  clear();
  for (const auto& [name, value] : from) Append(fields_, name, value);
  return *this;
}

void Header::Load() const {
  // The buffer is left as it is: a view of it stays valid.
  if (std::exchange(only_type_, false)) return Append(fields_, kContentType, type_.view());
  const fasthttp::RequestHeader& source = *std::exchange(source_, nullptr);
  source.VisitAll([this](std::string_view name, std::string_view value) {
    if (!IsTransferEncoding(name)) Append(fields_, name, value);
  });
}

void Header::SetField(std::string_view name, std::string_view value) {
  (void)Loaded();
  const size_t first = fields_.empty() ? FieldList::kNotFound : fields_.FindFold(name);
  if (first == FieldList::kNotFound) return Append(fields_, name, value);
  Append(fields_, name, value);  // Either may be a view of a field that is removed here.
  for (size_t i = first; i + 1 < fields_.size();) {
    if (fasthttp::EqualsIgnoreCase(fields_.name(i), fields_.name(fields_.size() - 1))) {
      fields_.Erase(i);
    } else {
      ++i;
    }
  }
}

void Header::Add(std::string_view name, std::string_view value) {
  (void)Loaded();
  Append(fields_, name, value);
}

std::string_view Header::Get(std::string_view name) const {
  if (source_ != nullptr) {
    return IsTransferEncoding(name) ? std::string_view() : source_->Peek(name);
  }
  const size_t i = Loaded().FindFold(name);
  return i == FieldList::kNotFound ? std::string_view() : fields_.value(i);
}

std::vector<std::string_view> Header::Values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : *this) {
    if (fasthttp::EqualsIgnoreCase(key, name)) values.push_back(value);
  }
  return values;
}

bool Header::Has(std::string_view name) const {
  return Loaded().FindFold(name) != FieldList::kNotFound;
}

void Header::Del(std::string_view name) {
  (void)Loaded();
  std::string key(name);  // May be a view of a name that is removed here.
  for (size_t i = fields_.FindFold(key); i != FieldList::kNotFound; i = fields_.FindFold(key, i)) {
    fields_.Erase(i);
  }
}

}  // namespace fasthttpadaptor
