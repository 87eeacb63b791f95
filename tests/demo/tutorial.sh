# The tutorial itself. Sourced by run.

catalog=(-n catalog-payments)
timeline='{range .status.timeline[*]}{.at}{"  "}{.event}{"  "}{.by}{"  "}{.message}{"\n"}{end}'

tutorial() {
  delegate
  offer
  lend_nothing
  ask
  refuse
  approve
  end_by_itself
  keep_the_record
  heading 'Everything showed what it must.'
}

delegate() {
  step 'An administrator lets department heads create catalogs'
  say 'That is all that the administrator has to do for the operator. The payments department has a namespace already, and carol is its admin.'
  show root create clusterrolebinding demo-catalog-creators --clusterrole=entitlement-catalog-creator --group=department-heads
  must_work
  show root create namespace payments
  must_work
  show root create rolebinding carol-admin --clusterrole=admin --user=carol@example.com -n payments
  must_work

  step 'Carol, a department head, creates a catalog'
  say 'She names no owners, and so the API server enters her.'
  apply carol catalog.yaml
  must_work
  show_when 'carol@example.com' carol get catalog payments -o 'jsonpath={.spec.owners}'
  show_when 'Available' carol get catalog payments
}

offer() {
  step 'She puts a role of her namespace into it'
  say 'This works because she, as admin of the namespace, could hand out the role herself.'
  apply carol resource.yaml
  must_work
  show_when 'Available' carol get catalogresource payments-namespace "${catalog[@]}"

  step 'She makes an access package of it, and a policy: who may ask, who approves, for how long'
  apply carol package.yaml
  must_work
  apply carol policy.yaml
  must_work
  show_when 'Available' carol get accesspackage payments-oncall "${catalog[@]}"
  show_when 'True' carol get policy engineers "${catalog[@]}"
}

lend_nothing() {
  step 'Carol tries to offer more than she has'
  say 'The operator may bind every role, but it lends its power to nobody: the resource stays without effect.'
  apply carol cluster-admin.yaml
  must_work
  show_when 'AuthorCannotBind' carol get catalogresource everything "${catalog[@]}"
  show carol get catalogresource everything "${catalog[@]}" -o 'jsonpath={.status.conditions[?(@.type=="Authorized")].message}'
  must_say 'carol@example.com may not hand out'
}

ask() {
  step 'Alice, an engineer, asks for the package'
  show alice auth can-i list pods -n payments
  must_be 'no'
  say 'The policy lets engineers ask, and so the operator lets them look at what there is.'
  show_when 'payments-oncall' alice get accesspackages "${catalog[@]}"
  apply alice request.yaml
  must_work
  show_when 'PendingApproval' alice get accessrequest alice-oncall "${catalog[@]}"

  step 'Mallory, whom the policy excepts, asks in the name of alice'
  say 'The API server overwrites what she wrote about herself, and the request is denied.'
  apply mallory forged-request.yaml
  must_work
  show_when 'NotEligible' mallory get accessrequest trust-me "${catalog[@]}"
  must_say 'mallory@example.com'
}

refuse() {
  step 'Dave, a friend of hers, approves; alice approves herself'
  say 'Only whom the policy names as an approver may say anything; and of these neither who asks nor who gets the access.'
  apply dave decision-of-dave.yaml create
  must_fail
  must_say 'forbidden'
  apply alice decision-of-alice.yaml create
  must_fail
  must_say 'forbidden'
  show alice auth can-i list pods -n payments
  must_be 'no'
}

approve() {
  step 'Bob, a payments lead, sees what waits for him, and approves'
  show bob get accessrequests "${catalog[@]}"
  must_say 'PendingApproval'
  say 'He approves what is in the package now. If that changes before, approval begins anew.'
  show bob get accessrequest alice-oncall "${catalog[@]}" -o 'jsonpath={range .status.content[*]}{.displayName}{"\n"}{end}'
  must_say 'viewer'
  let_the_second_pass bob get accessrequest alice-oncall "${catalog[@]}"
  apply bob decision-of-bob.yaml
  must_work
  show_when 'Decided' bob get approvaldecisions "${catalog[@]}"

  step 'Alice has access'
  show_when 'yes' alice auth can-i list pods -n payments
  must_be 'yes'
  show alice get pods -n payments
  must_work
  show_when 'Delivered' carol get assignments "${catalog[@]}"
  check
}

end_by_itself() {
  step 'After fifteen seconds the access ends by itself'
  show_when 'no' alice auth can-i list pods -n payments
  must_be 'no'
  show alice get pods -n payments
  must_fail
  must_say 'forbidden'
}

keep_the_record() {
  step 'The record stays: who had what, why, who approved it, until when'
  show_when 'Expired' carol get assignments "${catalog[@]}"
  show_when 'AccessEnded' alice get accessrequest alice-oncall "${catalog[@]}" -o "jsonpath=$timeline"
  must_say 'carrying the pager this week'
  must_say 'bob@example.com'
  show_part '^Events:' carol describe assignment "${catalog[@]}"
  must_say 'was reached'
  show carol get approvaldecisions "${catalog[@]}"
  must_say 'Decided'
  check
}

# Asks a program that knows the rules and not the operator, and reads nothing but the API server.
check() {
  local checker=${CARGO_TARGET_DIR:-target}/debug/examples/checker end=$((SECONDS + 30))
  status=0
  # What is still on its way when it is asked is asked about again.
  until out=$(KUBECONFIG=$(kubeconfig_of_root) "$checker" catalog-payments 2>&1); do
    if ((SECONDS > end)); then
      status=1
      break
    fi
    sleep 0.5
  done
  printf '\n%s$ %s catalog-payments%s\n' "$bold" "$checker" "$plain"
  indented "$out"
  must_work
}
