package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"
)

// certificateUID is where kube-apiserver looks for a user's uid in a client
// certificate.
var certificateUID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57683, 2}

// pair is a certificate and its key, both as PEM.
type pair struct {
	certificate, key []byte
}

// authority signs the certificates of one control plane.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificateTemplate(pkix.Name{CommonName: "controlplane"})
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate: certificate, key: key, pem: pemBlock("CERTIFICATE", der)}, nil
}

// client makes a certificate that authenticates a user.
func (a *authority) client(u user) (pair, error) {
	name := pkix.Name{CommonName: u.name, Organization: u.groups}
	if u.uid != "" {
		name.ExtraNames = []pkix.AttributeTypeAndValue{{Type: certificateUID, Value: u.uid}}
	}
	template := certificateTemplate(name)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(template)
}

// serving makes the certificate of the servers on loopback.
func (a *authority) serving() (pair, error) {
	template := certificateTemplate(pkix.Name{CommonName: "kube-apiserver"})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}
	return a.sign(template)
}

func (a *authority) sign(template *x509.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return pair{}, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{pemBlock("CERTIFICATE", der), pemBlock("EC PRIVATE KEY", keyDER)}, nil
}

// serviceAccountKeys are a private key as PEM and its public half.
func serviceAccountKeys() (private, public []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	privateDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, nil, err
	}
	return pemBlock("EC PRIVATE KEY", privateDER), pemBlock("PUBLIC KEY", publicDER), nil
}

// writeKeys makes the authority, the servers' certificate and the key of
// service account tokens, and puts them where the flags look for them.
func (p *plane) writeKeys() (*authority, error) {
	authority, err := newAuthority()
	if err != nil {
		return nil, err
	}
	serving, err := authority.serving()
	if err != nil {
		return nil, err
	}
	private, public, err := serviceAccountKeys()
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{
		"ca.crt":      authority.pem,
		"serving.crt": serving.certificate,
		"serving.key": serving.key,
		"sa.key":      private,
		"sa.pub":      public,
	} {
		if err := os.WriteFile(p.in(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return authority, nil
}

func certificateTemplate(name pkix.Name) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(0).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      name,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
