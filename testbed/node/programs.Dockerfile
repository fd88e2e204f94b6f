# Every program of the control plane, of the pod network and of the default storage, as one image under many names.
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates conntrack iproute2 iptables kmod \
    && rm -rf /var/lib/apt/lists/*
COPY hyperkube etcd coredns local-path-provisioner pause /usr/local/bin/
RUN cd /usr/local/bin && for name in kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl; do \
      ln -s hyperkube $name; done
