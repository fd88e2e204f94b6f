# Sourced: the versions of everything in the test bed. 1.34 is the last Kubernetes whose kubelet runs on cgroup v1.
kind_version=v0.33.0
kubernetes_version=v1.34.4 # what is built where no registry answers; it follows testbed/hyperkube/go.mod
kindest_node=kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d
helm_version=v3.22.0
coredns_version=v1.14.7
local_path_version=v0.0.30
registry_version=v3.1.2
