package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// probe asks the API server how far it is.
type probe struct {
	client *kubernetes.Clientset
}

func newProbe(kubeconfig string) (probe, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return probe{}, err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	return probe{client}, err
}

// ready says whether the API server answers, with its RBAC bootstrap done,
// which is a part of /readyz.
func (p probe) ready(ctx context.Context) error {
	return p.client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// usable says whether the controllers have done their first work too.
func (p probe) usable(ctx context.Context) error {
	if _, err := p.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{}); err != nil {
		return err
	}
	for _, name := range []string{"view", "edit", "admin"} {
		role, err := p.client.RbacV1().ClusterRoles().Get(ctx, name, meta.GetOptions{})
		if err != nil {
			return err
		}
		if len(role.Rules) == 0 {
			return fmt.Errorf("ClusterRole %s is not aggregated yet", name)
		}
	}
	return nil
}

// unverified speaks to the health ports of our own children on loopback.
var unverified = &http.Client{Transport: &http.Transport{
	DisableKeepAlives: true,
	TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
}}

// get is nil when the address answers 200.
func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := unverified.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
