// Command controlplane is a Kubernetes control plane for tests and the demo,
// in one binary: etcd, kube-apiserver and kube-controller-manager, and a
// sub-command that starts the three together. See README.md.
package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

const usage = `usage: controlplane COMMAND [FLAGS]

  up                       start a whole control plane and take commands on stdin
  etcd                     one etcd member without fsync
  kube-apiserver           the API server, with its own flags
  kube-controller-manager  the controller manager, with its own flags
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	command, arguments := os.Args[1], os.Args[2:]
	// The Kubernetes commands read os.Args themselves.
	os.Args = os.Args[1:]

	switch command {
	case "up":
		exitOn(up(arguments))
	case "etcd":
		exitOn(runEtcd(arguments))
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "help", "-h", "--help":
		fmt.Print(usage)
	default:
		fmt.Fprintf(os.Stderr, "unknown command %q\n\n%s", command, usage)
		os.Exit(2)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}
