package prometheus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// bodyLimit bounds an answer in bytes, after decompression.
const bodyLimit = 32 << 20

// transport adds who is asking to each request.
type transport struct {
	definition  service.PrometheusMetrics
	credentials delivery.Credentials
	next        http.RoundTripper
}

func newTransport(d service.PrometheusMetrics, credentials delivery.Credentials) (http.RoundTripper, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if d.TLS != nil {
		config.ServerName = d.TLS.ServerName
		pem := []byte(d.TLS.CA)
		if d.TLS.CAFile != "" {
			var err error
			if pem, err = os.ReadFile(d.TLS.CAFile); err != nil {
				return nil, fmt.Errorf("tls.ca_file: %w", err)
			}
		}
		if len(pem) > 0 {
			config.RootCAs = x509.NewCertPool()
			if !config.RootCAs.AppendCertsFromPEM(pem) {
				return nil, errors.New("tls: the certificate authority has no certificate in PEM")
			}
		}
	}
	return transport{definition: d, credentials: credentials, next: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
	}}, nil
}

// RoundTrip implements http.RoundTripper. No error of it holds a secret.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	for name, value := range t.definition.Headers {
		request.Header.Set(name, value)
	}
	switch d := t.definition; {
	case d.Bearer != "":
		token, err := t.lookup(d.Bearer)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
	case d.Username != "":
		password, err := t.lookup(d.Password)
		if err != nil {
			return nil, err
		}
		request.SetBasicAuth(d.Username, password)
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, bodyLimit)
	return response, nil
}

func (t transport) lookup(name string) (string, error) {
	if t.credentials == nil {
		return "", fmt.Errorf("the credential %q is not known here", name)
	}
	return t.credentials.Lookup(name)
}

// refuseRedirect: what is meant for one server is not for another, least of all its credentials.
func refuseRedirect(to *http.Request, _ []*http.Request) error {
	return fmt.Errorf("it redirects to %s, which is not followed: give the URL of the API itself", to.URL.Redacted())
}
