#include "fasthttp/header_ops.h"

#include "fasthttp/bytes.h"

namespace fasthttp::internal {

using http1::KnownField;

size_t FindField(const FieldList& list, KnownField id, std::string_view name, size_t from) {
  if (!list.MayHave(id)) return FieldList::kNotFound;
  return id != KnownField::kNone ? list.Find(id, from) : list.FindFold(name, from);
}

void AddField(FieldList& list, KnownField id, std::string_view name, std::string_view value,
              bool normalize) {
  // Whatever else a name may hold could end it early, or the line.
  if (id == KnownField::kNone && !IsToken(name)) return;
  if (normalize && id != KnownField::kNone) name = http1::KnownFieldName(id);
  list.Add(id, name, value, FieldList::Bytes::kWithoutControls);
  if (normalize && id == KnownField::kNone) {
    size_t last = list.size() - 1;
    NormalizeHeaderKey(list.MutableName(last), list.name(last).size());
  }
}

void SetField(FieldList& list, KnownField id, std::string_view name, std::string_view value,
              bool normalize) {
  size_t first = FindField(list, id, name);
  if (first == FieldList::kNotFound) return AddField(list, id, name, value, normalize);
  // Setting a value may move the bytes that `name` refers to, so the others go first.
  for (size_t i = FindField(list, id, name, first + 1); i != FieldList::kNotFound;
       i = FindField(list, id, name, i)) {
    list.Erase(i);
  }
  list.SetValue(first, value, FieldList::Bytes::kWithoutControls);
}

void DelField(FieldList& list, KnownField id, std::string_view name) {
  for (size_t i = FindField(list, id, name); i != FieldList::kNotFound;
       i = FindField(list, id, name, i)) {
    list.Erase(i);
  }
}

std::string_view PeekField(const FieldList& list, KnownField id, std::string_view name) {
  size_t i = FindField(list, id, name);
  return i == FieldList::kNotFound ? std::string_view() : list.value(i);
}

void AppendFieldLine(std::string& dst, std::string_view name, std::string_view value) {
  dst.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace fasthttp::internal
