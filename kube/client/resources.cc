#include "sextant/kube/object.h"

namespace sextant::kube::resources {

GroupVersionResource Pods() { return {"", "v1", "pods", "Pod", true}; }
GroupVersionResource Services() { return {"", "v1", "services", "Service", true}; }
GroupVersionResource Secrets() { return {"", "v1", "secrets", "Secret", true}; }
GroupVersionResource ConfigMaps() { return {"", "v1", "configmaps", "ConfigMap", true}; }
GroupVersionResource ServiceAccounts() {
  return {"", "v1", "serviceaccounts", "ServiceAccount", true};
}
GroupVersionResource PersistentVolumeClaims() {
  return {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true};
}
GroupVersionResource Nodes() { return {"", "v1", "nodes", "Node", false}; }
GroupVersionResource Namespaces() { return {"", "v1", "namespaces", "Namespace", false}; }
GroupVersionResource Events() { return {"events.k8s.io", "v1", "events", "Event", true}; }
GroupVersionResource Leases() { return {"coordination.k8s.io", "v1", "leases", "Lease", true}; }
GroupVersionResource Deployments() { return {"apps", "v1", "deployments", "Deployment", true}; }
GroupVersionResource StatefulSets() { return {"apps", "v1", "statefulsets", "StatefulSet", true}; }
GroupVersionResource PodDisruptionBudgets() {
  return {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true};
}
GroupVersionResource Roles() { return {"rbac.authorization.k8s.io", "v1", "roles", "Role", true}; }
GroupVersionResource RoleBindings() {
  return {"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true};
}
GroupVersionResource EndpointSlices() {
  return {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true};
}
GroupVersionResource CustomResourceDefinitions() {
  return {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition",
          false};
}

}  // namespace sextant::kube::resources
