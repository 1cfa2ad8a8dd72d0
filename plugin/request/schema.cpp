// SPDX-License-Identifier: Apache-2.0
#include "request/schema.h"

#include <algorithm>

namespace agones::plugin {

namespace {

template <typename T, std::size_t N>
constexpr ConstSpan<T> span(const T (&items)[N]) {
  return {items, N};
}

constexpr FieldSchema kInt64ValueFields[] = {{1, "value", FieldKind::kInt64}};
constexpr MessageSchema kInt64Value{"google.protobuf.Int64Value", span(kInt64ValueFields), true};

constexpr FieldSchema kStringValueFields[] = {{1, "value", FieldKind::kString}};
constexpr MessageSchema kStringValue{"google.protobuf.StringValue", span(kStringValueFields), true};

// Labels and annotations: allocation.MetaPatch and allocation.AllocationResponse.GameServerMetadata.
constexpr FieldSchema kMetadataFields[] = {
    {1, "labels", FieldKind::kMapString},
    {2, "annotations", FieldKind::kMapString},
};
constexpr MessageSchema kMetaPatch{"allocation.MetaPatch", span(kMetadataFields)};
constexpr MessageSchema kGameServerMetadata{"allocation.AllocationResponse.GameServerMetadata", span(kMetadataFields)};

constexpr FieldSchema kLabelSelectorFields[] = {{1, "matchLabels", FieldKind::kMapString}};
constexpr MessageSchema kLabelSelector{"allocation.LabelSelector", span(kLabelSelectorFields)};

constexpr FieldSchema kMultiClusterSettingFields[] = {
    {1, "enabled", FieldKind::kBool},
    {2, "policySelector", FieldKind::kMessage, false, &kLabelSelector},
};
constexpr MessageSchema kMultiClusterSetting{"allocation.MultiClusterSetting", span(kMultiClusterSettingFields)};

constexpr EnumValue kOperator[] = {{"In", 0}, {"NotIn", 1}, {"Exists", 2}, {"DoesNotExist", 3}};
constexpr FieldSchema kLabelMatchExpressionsFields[] = {
    {1, "key", FieldKind::kString},
    {2, "operator", FieldKind::kEnum, false, nullptr, span(kOperator)},
    {3, "values", FieldKind::kString, true},
};
constexpr MessageSchema kLabelMatchExpressions{"allocation.LabelMatchExpressions", span(kLabelMatchExpressionsFields)};

constexpr FieldSchema kCounterSelectorFields[] = {
    {1, "minCount", FieldKind::kInt64},
    {2, "maxCount", FieldKind::kInt64},
    {3, "minAvailable", FieldKind::kInt64},
    {4, "maxAvailable", FieldKind::kInt64},
};
constexpr MessageSchema kCounterSelector{"allocation.CounterSelector", span(kCounterSelectorFields)};

constexpr FieldSchema kListSelectorFields[] = {
    {1, "containsValue", FieldKind::kString},
    {2, "minAvailable", FieldKind::kInt64},
    {3, "maxAvailable", FieldKind::kInt64},
};
constexpr MessageSchema kListSelector{"allocation.ListSelector", span(kListSelectorFields)};

constexpr EnumValue kGameServerState[] = {{"READY", 0}, {"ALLOCATED", 1}};
constexpr FieldSchema kGameServerSelectorFields[] = {
    {1, "matchLabels", FieldKind::kMapString},
    {2, "gameServerState", FieldKind::kEnum, false, nullptr, span(kGameServerState)},
    {4, "counters", FieldKind::kMapMessage, false, &kCounterSelector},
    {5, "lists", FieldKind::kMapMessage, false, &kListSelector},
    {6, "matchExpressions", FieldKind::kMessage, true, &kLabelMatchExpressions},
};
constexpr MessageSchema kGameServerSelector{"allocation.GameServerSelector", span(kGameServerSelectorFields)};

constexpr EnumValue kPriorityType[] = {{"Counter", 0}, {"List", 1}};
constexpr EnumValue kPriorityOrder[] = {{"Ascending", 0}, {"Descending", 1}};
constexpr FieldSchema kPriorityFields[] = {
    {1, "type", FieldKind::kEnum, false, nullptr, span(kPriorityType)},
    {2, "key", FieldKind::kString},
    {3, "order", FieldKind::kEnum, false, nullptr, span(kPriorityOrder)},
};
constexpr MessageSchema kPriority{"allocation.Priority", span(kPriorityFields)};

constexpr FieldSchema kCounterActionFields[] = {
    {1, "action", FieldKind::kMessage, false, &kStringValue},
    {2, "amount", FieldKind::kMessage, false, &kInt64Value},
    {3, "capacity", FieldKind::kMessage, false, &kInt64Value},
};
constexpr MessageSchema kCounterAction{"allocation.CounterAction", span(kCounterActionFields)};

constexpr FieldSchema kListActionFields[] = {
    {1, "addValues", FieldKind::kString, true},
    {2, "capacity", FieldKind::kMessage, false, &kInt64Value},
    {3, "deleteValues", FieldKind::kString, true},
};
constexpr MessageSchema kListAction{"allocation.ListAction", span(kListActionFields)};

constexpr EnumValue kScheduling[] = {{"Packed", 0}, {"Distributed", 1}};
constexpr FieldSchema kAllocationRequestFields[] = {
    {1, "namespace", FieldKind::kString},
    {2, "multiClusterSetting", FieldKind::kMessage, false, &kMultiClusterSetting},
    {3, "requiredGameServerSelector", FieldKind::kMessage, false, &kGameServerSelector},
    {4, "preferredGameServerSelectors", FieldKind::kMessage, true, &kGameServerSelector},
    {5, "scheduling", FieldKind::kEnum, false, nullptr, span(kScheduling)},
    {6, "metaPatch", FieldKind::kMessage, false, &kMetaPatch},
    {7, "metadata", FieldKind::kMessage, false, &kMetaPatch},
    {8, "gameServerSelectors", FieldKind::kMessage, true, &kGameServerSelector},
    {9, "priorities", FieldKind::kMessage, true, &kPriority},
    {10, "counters", FieldKind::kMapMessage, false, &kCounterAction},
    {11, "lists", FieldKind::kMapMessage, false, &kListAction},
};
constexpr MessageSchema kAllocationRequest{"allocation.AllocationRequest", span(kAllocationRequestFields)};

// The manifest's names. Wherever the type has more than the contract, a field is unknown here, and refused.
constexpr EnumValue kManifestState[] = {{"Ready", 0}, {"Allocated", 1}};
constexpr FieldSchema kManifestSelectorFields[] = {
    {1, "matchLabels", FieldKind::kMapString},
    {2, "gameServerState", FieldKind::kEnum, false, nullptr, span(kManifestState)},
    {4, "counters", FieldKind::kMapMessage, false, &kCounterSelector},
    {5, "lists", FieldKind::kMapMessage, false, &kListSelector},
    {6, "matchExpressions", FieldKind::kMessage, true, &kLabelMatchExpressions},
};
constexpr MessageSchema kManifestSelector{"GameServerSelector", span(kManifestSelectorFields)};

constexpr FieldSchema kManifestSpecFields[] = {
    {2, "multiClusterSetting", FieldKind::kMessage, false, &kMultiClusterSetting},
    {3, "required", FieldKind::kMessage, false, &kManifestSelector},
    {4, "preferred", FieldKind::kMessage, true, &kManifestSelector},
    {5, "scheduling", FieldKind::kEnum, false, nullptr, span(kScheduling)},
    {7, "metadata", FieldKind::kMessage, false, &kMetaPatch},
    {8, "selectors", FieldKind::kMessage, true, &kManifestSelector},
    {9, "priorities", FieldKind::kMessage, true, &kPriority},
    {10, "counters", FieldKind::kMapMessage, false, &kCounterAction},
    {11, "lists", FieldKind::kMapMessage, false, &kListAction},
};
constexpr MessageSchema kManifestSpec{"GameServerAllocationSpec", span(kManifestSpecFields)};

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
    {0, "spec", FieldKind::kMessage, false, &kManifestSpec, {}, true},
    {0, "status", FieldKind::kMessage, false, &kManifestStatus, {}, true},
};
constexpr MessageSchema kManifest{"GameServerAllocation", span(kManifestFields)};

constexpr FieldSchema kPortFields[] = {
    {1, "name", FieldKind::kString},
    {2, "port", FieldKind::kInt32},
};
constexpr MessageSchema kPort{"allocation.AllocationResponse.GameServerStatusPort", span(kPortFields)};

constexpr FieldSchema kAddressFields[] = {
    {1, "type", FieldKind::kString},
    {2, "address", FieldKind::kString},
};
constexpr MessageSchema kAddress{"allocation.AllocationResponse.GameServerStatusAddress", span(kAddressFields)};

constexpr FieldSchema kCounterStatusFields[] = {
    {1, "count", FieldKind::kMessage, false, &kInt64Value},
    {2, "capacity", FieldKind::kMessage, false, &kInt64Value},
};
constexpr MessageSchema kCounterStatus{"allocation.AllocationResponse.CounterStatus", span(kCounterStatusFields)};

constexpr FieldSchema kListStatusFields[] = {
    {1, "values", FieldKind::kString, true},
    {2, "capacity", FieldKind::kMessage, false, &kInt64Value},
};
constexpr MessageSchema kListStatus{"allocation.AllocationResponse.ListStatus", span(kListStatusFields)};

constexpr FieldSchema kAllocationResponseFields[] = {
    {2, "gameServerName", FieldKind::kString},
    {3, "ports", FieldKind::kMessage, true, &kPort},
    {4, "address", FieldKind::kString},
    {5, "nodeName", FieldKind::kString},
    {6, "source", FieldKind::kString},
    {7, "metadata", FieldKind::kMessage, false, &kGameServerMetadata},
    {8, "addresses", FieldKind::kMessage, true, &kAddress},
    {9, "counters", FieldKind::kMapMessage, false, &kCounterStatus},
    {10, "lists", FieldKind::kMapMessage, false, &kListStatus},
};
constexpr MessageSchema kAllocationResponse{"allocation.AllocationResponse", span(kAllocationResponseFields)};

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
