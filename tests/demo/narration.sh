# What the reader sees: numbered steps, a sentence each, commands with what they print. Sourced by run.

step_number=0
out=''    # what the last command printed
status=0  # how it ended
bold='' dim='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

heading() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }

step() {
  step_number=$((step_number + 1))
  heading "$step_number. $1"
}

say() { printf '%s\n' "$1"; }

fail() {
  printf '\n%sIt stops here:%s %s\n' "$bold" "$plain" "$1" >&2
  exit 1
}

# quietly WHO ARGS...: runs kubectl as somebody, into out and status.
quietly() {
  local who=$1
  shift
  status=0
  out=$(kubectl_as "$who" "$@" 2>&1) || status=$?
}

# show WHO ARGS...: the same in front of the reader.
show() {
  quietly "$@"
  print_command "$@"
  indented "$out"
}

# show_part FROM WHO ARGS...: prints only what comes from the first line that matches.
show_part() {
  local from=$1
  shift
  quietly "$@"
  print_command "$@"
  printf '  ...\n'
  indented "$(sed -n "/$from/,\$p" <<<"$out")"
}

# show_when TEXT WHO ARGS...: the same, as soon as the output has the text.
show_when() {
  local text=$1 end=$((SECONDS + 60))
  shift
  while quietly "$@" && [[ $out != *"$text"* ]]; do
    if ((SECONDS > end)); then
      print_command "$@"
      indented "$out"
      fail "not within a minute: \"$text\""
    fi
    sleep 0.2
  done
  print_command "$@"
  indented "$out"
}

# let_the_second_pass WHO KIND NAME ARGS...: of the second in which a request is created a decision counts only with its uid; people are slower.
let_the_second_pass() {
  quietly "$@" -o 'jsonpath={.metadata.creationTimestamp}'
  while [[ ! $(date -u +%Y-%m-%dT%H:%M:%SZ) > $out ]]; do
    sleep 0.1
  done
}

# apply WHO FILE [create]: shows the manifest, too.
apply() {
  local file=tests/demo/yaml/$2 verb=${3:-apply}
  quietly "$1" "$verb" -f "$file"
  print_command "$1" "$verb" -f "$file"
  printf '%s' "$dim"
  sed 's/^/  | /' "$file"
  printf '%s' "$plain"
  indented "$out"
}

print_command() {
  local who=$1 word line=''
  shift
  for word in "$@"; do
    [[ $word != *[[:space:]\{\$\*]* ]] || word="'$word'"
    line+=" $word"
  done
  printf '\n%s%s$ kubectl%s%s\n' "$bold" "$who" "$line" "$plain"
}

indented() { [[ -z $1 ]] || sed 's/^/  /' <<<"$1"; }

must_work() { ((status == 0)) || fail "the command failed"; }
must_fail() { ((status != 0)) || fail "the command was not refused"; }
must_say() { [[ $out == *"$1"* ]] || fail "no \"$1\""; }
must_be() { [[ $out == "$1" ]] || fail "not \"$1\""; }
