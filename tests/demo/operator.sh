# The operator, as its service account and with the shipped rights only; its end, and that of the rest. Sourced by run.

operator_pid=''

start_operator() {
  if [[ $existing == 1 ]] && has_operator; then
    say 'The operator that runs in the cluster is used.'
    return
  fi
  heading 'The operator'
  say 'It runs with the rights of its service account, and no others.'
  cargo build --locked --bin entitlement-operator --example checker
  local program=${CARGO_TARGET_DIR:-target}/debug/entitlement-operator port
  port=$(free_port)
  write_operator_kubeconfig "$dir/operator.kubeconfig"
  local arguments=(--kubeconfig "$dir/operator.kubeconfig" --listen "127.0.0.1:$port" --leader-elect)
  if [[ $keep == 1 ]]; then
    setsid "$program" "${arguments[@]}" </dev/null &>"$dir/operator.log" &
  elif [[ $existing == 1 ]]; then
    "$program" "${arguments[@]}" </dev/null &>"$dir/operator.log" &
  else
    sh tests/support/guard.sh "$program" "${arguments[@]}" <"$dir/alive" {alive}>&- &>"$dir/operator.log" &
  fi
  operator_pid=$!
  wait_until_ready "$port"
}

wait_until_ready() {
  local end=$((SECONDS + 60)) answer
  # Ready is a standby, too; what waits is whether anybody would be believed.
  until answer=$(http_get "$1" /metrics) && [[ $answer == *$'\nentitlement_identity_enforced 1'* ]]; do
    kill -0 "$operator_pid" 2>/dev/null || fail 'the operator ended'
    ((SECONDS < end)) || fail "the operator is not ready: $(http_get "$1" /readyz)"
    sleep 0.2
  done
  say "Ready on port $1."
}

# http_get PORT PATH: the answer, head and body; with nothing but bash.
http_get() {
  local connection
  { exec {connection}<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&"$connection"
  tr -d '\r' <&"$connection"
  exec {connection}>&-
}

# A port that nobody listens on, from below those of outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# The cluster of the administrator with a token of the service account, and no other credentials.
write_operator_kubeconfig() {
  local token
  token=$(kubectl_as root create token entitlement-operator -n entitlement-system --duration=24h)
  (umask 077 && kubectl_as root config view --raw --minify --flatten >"$1")
  local ours=(kubectl --kubeconfig "$1" config)
  "${ours[@]}" delete-user "$("${ours[@]}" view -o 'jsonpath={.users[0].name}')" >/dev/null
  "${ours[@]}" set-credentials entitlement-operator --token="$token" >/dev/null
  "${ours[@]}" set-context --current --user=entitlement-operator >/dev/null
}

show_logs() {
  local log
  for log in "$dir/controlplane.log" "$dir/operator.log"; do
    [[ -s $log ]] || continue
    printf '\nthe end of %s:\n' "${log##*/}" >&2
    tail -n 40 "$log" >&2
  done
}

stop_everything() {
  [[ $touched != 1 ]] || clean_up
  local pid
  for pid in $operator_pid $plane_pid; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
}

say_how_to_play() {
  {
    echo '#!/bin/sh'
    printf 'kill %s 2>/dev/null\n' "$operator_pid $plane_pid"
    # The control plane writes into the folder until it has ended.
    printf 'while kill -0 %s 2>/dev/null; do sleep 0.1; done\n' "${plane_pid:-$operator_pid}"
    printf 'rm -rf %q\n' "$dir"
  } >"$dir/stop"
  chmod +x "$dir/stop"
  heading 'It goes on running'
  [[ $existing == 1 ]] || say "  export KUBECONFIG=$dir/plane/admin.kubeconfig
  export KUBECONFIG=$dir/plane/users/alice@example.com.kubeconfig
  export KUBECACHEDIR=$KUBECACHEDIR
Or all the people at once, each as a command (the administrator of the cluster is called root):"
  say "  . $dir/people.sh
  alice kubectl get accesspackages -n catalog-payments
  root kubectl get entitlement -A"
  [[ -z $operator_pid ]] || say "The operator writes to $dir/operator.log. To stop what was started:
  $dir/stop"
}
