// SPDX-License-Identifier: Apache-2.0
#include "request/schema.h"

#include <algorithm>

namespace agones::plugin {

namespace {

template <typename T, std::size_t N>
constexpr ConstSpan<T> span(const T (&items)[N]) {
  return {items, N};
}

#include "request/schema_tables.inc"

// Around the manifest's spec.
// Its own name, labels and annotations go nowhere, in Kubernetes as well.
constexpr FieldSchema kManifestMetadataFields[] = {{1, "namespace", FieldKind::kString}};
constexpr MessageSchema kManifestMetadata{"ObjectMeta", span(kManifestMetadataFields), false, true};

constexpr MessageSchema kManifestStatus{"GameServerAllocationStatus", {}, false, true};

constexpr EnumValue kManifestVersion[] = {{"allocation.agones.dev/v1", 0}};
constexpr EnumValue kManifestKind[] = {{"GameServerAllocation", 0}};
constexpr FieldSchema kManifestFields[] = {
    {0, "apiVersion", FieldKind::kEnum, false, nullptr, span(kManifestVersion)},
    {0, "kind", FieldKind::kEnum, false, nullptr, span(kManifestKind)},
    {0, "metadata", FieldKind::kMessage, false, &kManifestMetadata, {}, true},
    {0, "spec", FieldKind::kMessage, false, &kManifestAllocationRequest, {}, true},
    {0, "status", FieldKind::kMessage, false, &kManifestStatus, {}, true},
};
constexpr MessageSchema kManifest{"GameServerAllocation", span(kManifestFields)};

}  // namespace

const FieldSchema* MessageSchema::find(std::uint32_t number) const {
  // Fields stand in the order of their numbers, and few numbers are left out.
  std::size_t place = std::min<std::size_t>(number, fields.count);
  while (place > 0 && fields.items[place - 1].number > number) {
    --place;
  }
  return place > 0 && fields.items[place - 1].number == number ? &fields.items[place - 1] : nullptr;
}

const FieldSchema* MessageSchema::find(std::string_view field_name) const {
  for (const FieldSchema& field : fields) {
    // No two names of a message have length, first and last letter in common, so that few are compared in full.
    if (field.name == field_name) {
      return &field;
    }
  }
  return nullptr;
}

const MessageSchema& allocation_request_schema() {
  return kAllocationRequest;
}

const MessageSchema& allocation_response_schema() {
  return kAllocationResponse;
}

const MessageSchema& allocation_manifest_schema() {
  return kManifest;
}

}  // namespace agones::plugin
