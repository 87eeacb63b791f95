package main

import (
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

const (
	withCertificate = "certificate" // instead of a token: a client certificate
	withNewToken    = "generated"   // instead of a token: a random one
)

// user is one line of the users file.
type user struct {
	token, name, uid string
	groups           []string
}

// readUsers reads kube-apiserver's token file format, with comments and two
// words that stand for a token. No file means no users but the administrator.
func readUsers(path string) ([]user, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = -1
	reader.Comment = '#'
	records, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var users []user
	for _, record := range records {
		if len(record) < 3 || record[0] == "" || record[1] == "" || strings.ContainsRune(record[1], '/') {
			return nil, fmt.Errorf("%s: want token,user,uid,\"groups\", got %q", path, record)
		}
		u := user{token: record[0], name: record[1], uid: record[2]}
		if u.token == withNewToken {
			u.token = rand.Text()
		}
		if len(record) > 3 && record[3] != "" {
			u.groups = strings.Split(record[3], ",")
		}
		users = append(users, u)
	}
	return users, nil
}

// record is the user's line for kube-apiserver, which takes an empty fourth
// field for a group without a name.
func (u user) record() []string {
	record := []string{u.token, u.name, u.uid}
	if len(u.groups) > 0 {
		record = append(record, strings.Join(u.groups, ","))
	}
	return record
}

// writeUsers writes the token file and everybody's kubeconfig.
func (p *plane) writeUsers(authority *authority, users []user) error {
	if err := os.MkdirAll(p.in("users"), 0o700); err != nil {
		return err
	}
	tokens, err := os.OpenFile(p.in("tokens.csv"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer tokens.Close()
	writer := csv.NewWriter(tokens)
	for _, u := range users {
		if u.token != withCertificate {
			writer.Write(u.record())
		}
		if err := p.writeKubeconfig(authority, u, p.in("users", u.name+".kubeconfig")); err != nil {
			return err
		}
	}
	writer.Flush()
	if err := writer.Error(); err != nil {
		return err
	}

	root := user{token: withCertificate, name: "admin", groups: []string{"system:masters"}}
	if err := p.writeKubeconfig(authority, root, p.adminKubeconfig()); err != nil {
		return err
	}
	manager := user{token: withCertificate, name: "system:kube-controller-manager"}
	return p.writeKubeconfig(authority, manager, p.in("controller-manager.kubeconfig"))
}

// writeKubeconfig writes a file that needs no other file.
func (p *plane) writeKubeconfig(authority *authority, u user, path string) error {
	credentials := &api.AuthInfo{Token: u.token}
	if u.token == withCertificate {
		pair, err := authority.client(u)
		if err != nil {
			return err
		}
		credentials = &api.AuthInfo{ClientCertificateData: pair.certificate, ClientKeyData: pair.key}
	}
	config := api.NewConfig()
	config.Clusters["controlplane"] = &api.Cluster{Server: p.server, CertificateAuthorityData: authority.pem}
	config.AuthInfos[u.name] = credentials
	config.Contexts[u.name] = &api.Context{Cluster: "controlplane", AuthInfo: u.name}
	config.CurrentContext = u.name
	return clientcmd.WriteToFile(*config, path)
}
