# Who speaks: root is the cluster's own administrator, everybody else stands in tests/support/people.csv. Sourced by run.

people_file=tests/support/people.csv

people() { sed -n 's/^[a-z]*,\([a-z]*\)@example\.com,.*/\1/p' "$people_file"; }

groups_of() { sed -n "s/^[a-z]*,$1@example\.com,.*\"\(.*\)\"\$/\1/p" "$people_file" | tr , '\n'; }

# identity_of WHO: the flags that make kubectl speak as somebody, one a line.
identity_of() {
  local group
  if [[ $existing == 1 ]]; then
    [[ $1 != root ]] || return 0
    echo "--as=$1@example.com"
    for group in $(groups_of "$1"); do echo "--as-group=$group"; done
  elif [[ $1 == root ]]; then
    echo "--kubeconfig=$dir/plane/admin.kubeconfig"
  else
    echo "--kubeconfig=$dir/plane/users/$1@example.com.kubeconfig"
  fi
}

kubeconfig_of_root() {
  if [[ $existing == 1 ]]; then echo "${KUBECONFIG:-$HOME/.kube/config}"; else echo "$dir/plane/admin.kubeconfig"; fi
}

kubectl_as() {
  local identity
  mapfile -t identity < <(identity_of "$1")
  shift
  kubectl "${identity[@]}" "$@"
}

# A file that gives the reader a command for each of the people: `alice kubectl get pods`.
write_people() {
  local who identity
  {
    printf 'export KUBECACHEDIR=%q\n' "$KUBECACHEDIR"
    [[ $existing != 1 || -z ${KUBECONFIG:-} ]] || printf 'export KUBECONFIG=%q\n' "$KUBECONFIG"
    for who in root $(people); do
      mapfile -t identity < <(identity_of "$who")
      printf '%s() { local program=$1; shift; "$program" %s "$@"; }\n' "$who" "${identity[*]}"
    done
  } >"$dir/people.sh"
}
