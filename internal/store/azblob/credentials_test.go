package azblob_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

// account is the one that Azurite has.
const account = "devstoreaccount1"

// asInTheCloud has the names of Azure's blob storage lead to the server that cloudtest.Azure runs, and clears the environment of what
// names it. The account's key is returned.
func asInTheCloud(t *testing.T) (key string) {
	t.Helper()
	const variable = "AZURE_STORAGE_CONNECTION_STRING"
	written := os.Getenv(variable)
	address := regexp.MustCompile(`http://([^/]+)/`).FindStringSubmatch(written)[1]
	key = regexp.MustCompile(`AccountKey=([^;]+);`).FindStringSubmatch(written)[1]
	for _, name := range []string{variable, "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"} {
		t.Setenv(name, "")
	}
	plain, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t.Fatalf("the process's HTTP transport is a %T", http.DefaultTransport)
	}
	front := httptest.NewTLSServer(&httputil.ReverseProxy{Transport: plain.Clone(), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: address})
		r.Out.Host = r.In.Host // the account is in it
	}})
	t.Cleanup(front.Close)
	there := plain.Clone()
	roots := x509.NewCertPool()
	roots.AddCert(front.Certificate())
	there.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
	there.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, front.Listener.Addr().String())
	}
	http.DefaultTransport = there
	t.Cleanup(func() { http.DefaultTransport = plain })
	return key
}

// The account's key by the environment, as Azure's command line has it: the server checks the signature.
func TestCredentialsOfTheAccount(t *testing.T) {
	cloudtest.Azure(t)
	cloudtest.CreateAzureContainer(t, "releases")
	key := asInTheCloud(t)
	t.Setenv("AZURE_STORAGE_ACCOUNT", account)
	t.Setenv("AZURE_STORAGE_KEY", key)
	for _, raw := range []string{"azblob://releases/a", "azblob://releases/b?storage_account=" + account, "azblob://releases/c?domain=blob.core.usgovcloudapi.net"} {
		s, err := reopen(raw)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := s.Create(ctx, "a/b", []byte("x")); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if object, err := s.Get(t.Context(), "a/b"); err != nil || string(object.Data) != "x" {
			t.Errorf("%s: %q, %v", raw, object.Data, err)
		}
	}
	t.Setenv("AZURE_STORAGE_KEY", "bm90IHRoZSBrZXk=")
	s, err := reopen("azblob://releases/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a/b"); err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "403") {
		t.Errorf("with another key: %v", err)
	}
}
