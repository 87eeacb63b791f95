# A control plane of our own in a folder of its own, or a cluster that is there; the shipped manifests in it. Sourced by run.

plane_pid=''
touched=0       # somebody else's cluster has something of ours
installed=false # the operator among it

start_cluster() {
  if [[ $existing == 1 ]]; then
    use_existing_cluster
  else
    start_control_plane
  fi
  write_people
}

start_control_plane() {
  local controlplane
  heading 'The control plane: etcd, kube-apiserver and kube-controller-manager'
  controlplane=$(tests/controlplane/build)
  local up=("$controlplane" up --dir "$dir/plane" --users "$people_file")
  # What we start reads from this pipe, and ends when nobody is left who could write to it.
  mkfifo "$dir/alive"
  if [[ $keep == 1 ]]; then
    setsid "${up[@]}" --until-signal </dev/null >"$dir/started" 2>"$dir/controlplane.log" &
  else
    "${up[@]}" <"$dir/alive" >"$dir/started" 2>"$dir/controlplane.log" &
  fi
  plane_pid=$!
  [[ $keep == 1 ]] || exec {alive}>"$dir/alive"
  until [[ -s $dir/started ]]; do
    kill -0 "$plane_pid" 2>/dev/null || fail "the control plane did not start: $(tail -n 5 "$dir/controlplane.log")"
    sleep 0.1
  done
  quietly root version
  say "$(grep Server <<<"$out"), with its people from $people_file."
}

use_existing_cluster() {
  heading 'The cluster that kubectl speaks to'
  quietly root config current-context
  say "Context: $out. The people are impersonated."
  quietly root get --raw /apis/admissionregistration.k8s.io/v1
  [[ $status == 0 ]] || fail "kubectl cannot use it: $out"
  [[ $out == *mutatingadmissionpolicies* ]] || fail 'it is older than Kubernetes 1.36, and nothing would enter who asks'
  local taken
  for taken in namespace/payments namespace/catalog-payments; do
    quietly root get "$taken" --ignore-not-found
    [[ -z $out ]] || fail "it has a $taken already, which this demo would change"
  done
}

# Whether an operator runs in the cluster.
has_operator() {
  quietly root get deployment entitlement-operator -n entitlement-system -o 'jsonpath={.status.availableReplicas}'
  [[ $status == 0 && ${out:-0} -gt 0 ]]
}

install() {
  touched=$existing
  [[ $existing != 1 ]] || ! has_operator || return 0
  heading 'The installation: kinds, admission policies and rights'
  quietly root get crd catalogs.entitlement.dev
  ((status == 0)) || installed=true
  quietly root apply --server-side -k config/default
  print_command root apply --server-side -k config/default
  ((status == 0)) || fail "$out"
  say "$(wc -l <<<"$out") objects applied."
  # The operator runs here and not in a pod, which a control plane without nodes has no place for.
  quietly root scale deployment/entitlement-operator -n entitlement-system --replicas=0
  quietly root wait crd --all --for=condition=Established --timeout=60s
  must_work
}

# What somebody else's cluster gets back.
clean_up() {
  local namespace=catalog-payments
  heading 'What the demo made in the cluster is deleted'
  quietly root delete clusterrolebinding demo-catalog-creators --ignore-not-found
  quietly root get namespace "$namespace"
  if ((status == 0)); then
    # In this order: what is in use is not deleted, and the access goes first.
    quietly root delete assignments,accesspackages,catalogresources --all -n "$namespace" --timeout=60s
    quietly root delete catalog payments --timeout=60s
  fi
  quietly root delete namespace payments --ignore-not-found --timeout=60s
  [[ $installed != true ]] || uninstall
}

# As the README says it.
uninstall() {
  quietly root delete assignments --all -A --timeout=60s
  quietly root delete -k config/crd --timeout=120s
  quietly root delete -k config/default --ignore-not-found --timeout=120s
}
