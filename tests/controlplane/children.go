package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// auditPolicy records our own objects in full and who wrote which RBAC object.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  resources: [{group: entitlement.dev}]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
  resources: [{group: rbac.authorization.k8s.io}]
- level: None
`

// controllers are the ones that a cluster without nodes still needs: deletion
// of namespaces and of owned objects, service accounts and their tokens,
// aggregated roles, and the type checking of admission policies.
var controllers = []string{
	"namespace-controller",
	"garbage-collector-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"clusterrole-aggregation-controller",
	"validatingadmissionpolicy-status-controller",
}

// describeChildren fills in the three processes, in their order of starting.
func (p *plane) describeChildren(ports []int, audit bool) error {
	if err := os.MkdirAll(p.in("logs"), 0o700); err != nil {
		return err
	}
	client := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	apiserver, err := p.apiserverFlags(client, ports[2], audit)
	if err != nil {
		return err
	}
	p.children = []*child{
		{
			name:      "etcd",
			arguments: []string{"--data-dir=" + p.in("etcd"), "--client-url=" + client, "--peer-url=" + peer},
			ready:     func(ctx context.Context) error { return get(ctx, client+"/health") },
		},
		{
			name:      "kube-apiserver",
			arguments: apiserver,
			ready:     func(ctx context.Context) error { return p.probe.ready(ctx) },
		},
		{
			name:      "kube-controller-manager",
			arguments: p.controllerManagerFlags(ports[3]),
			ready: func(ctx context.Context) error {
				return get(ctx, fmt.Sprintf("https://127.0.0.1:%d/healthz", ports[3]))
			},
		},
	}
	for _, c := range p.children {
		c.log = p.in("logs", c.name+".log")
	}
	return nil
}

func (p *plane) apiserverFlags(etcd string, port int, audit bool) ([]string, error) {
	flags := []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--cert-dir=" + p.in("apiserver"),
		"--tls-cert-file=" + p.in("serving.crt"),
		"--tls-private-key-file=" + p.in("serving.key"),
		"--client-ca-file=" + p.in("ca.crt"),
		"--token-auth-file=" + p.in("tokens.csv"),
		"--anonymous-auth=false",
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + p.in("sa.pub"),
		"--service-account-signing-key-file=" + p.in("sa.key"),
		"--service-cluster-ip-range=10.0.0.0/24",
		"--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount",
		"--profiling=false",
	}
	if audit {
		policy := p.in("audit.yaml")
		if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
			return nil, err
		}
		flags = append(flags, "--audit-policy-file="+policy, "--audit-log-path="+p.in("audit.log"))
	}
	return flags, nil
}

func (p *plane) controllerManagerFlags(port int) []string {
	kubeconfig := p.in("controller-manager.kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-skip-lookup=true", // its port serves health to us only
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--cert-dir=" + p.in("controller-manager"),
		"--tls-cert-file=" + p.in("serving.crt"),
		"--tls-private-key-file=" + p.in("serving.key"),
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + p.in("sa.key"),
		"--root-ca-file=" + p.in("ca.crt"),
		"--controllers=" + strings.Join(controllers, ","),
		"--concurrent-namespace-syncs=5",
		"--concurrent-gc-syncs=5",
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		"--profiling=false",
	}
}

// in names a file of the control plane's folder.
func (p *plane) in(names ...string) string {
	return filepath.Join(append([]string{p.dir}, names...)...)
}
