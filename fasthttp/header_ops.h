// What RequestHeader and ResponseHeader do alike to a list of fields. For their use alone.
#ifndef FASTHTTP_HEADER_OPS_H_
#define FASTHTTP_HEADER_OPS_H_

#include <string>
#include <string_view>

#include "fasthttp/field_list.h"
#include "fasthttp/header.h"
#include "fasthttp/http1/known_field.h"

namespace fasthttp::internal {

// The first field called `name`; `id` is LookupKnownField(name).
size_t FindField(const FieldList& list, http1::KnownField id, std::string_view name,
                 size_t from = 0);

void AddField(FieldList& list, http1::KnownField id, std::string_view name, std::string_view value,
              bool normalize);

// Replaces the first field of that name and erases the others; appends one if there is none.
void SetField(FieldList& list, http1::KnownField id, std::string_view name, std::string_view value,
              bool normalize);

void DelField(FieldList& list, http1::KnownField id, std::string_view name);

std::string_view PeekField(const FieldList& list, http1::KnownField id, std::string_view name);

// Appends "name: value" and a line end.
void AppendFieldLine(std::string& dst, std::string_view name, std::string_view value);

}  // namespace fasthttp::internal

#endif  // FASTHTTP_HEADER_OPS_H_
