package gcs_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// cloud stands for Google's storage and its token server, of which none runs on one machine: it notes who asks.
type cloud struct {
	// silent: no tokens are given until it is closed. May be nil.
	silent chan struct{}

	mu sync.Mutex
	// assertion that a token was asked for with, authorization that an object was.
	assertion, authorization string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" && c.silent != nil {
		<-c.silent
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Path == "/token" {
		_ = r.ParseForm()
		c.assertion = r.Form.Get("assertion")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"of-the-account","token_type":"Bearer","expires_in":3600}`))
		return
	}
	c.authorization = r.Header.Get("Authorization")
	w.WriteHeader(http.StatusNotFound)
}

// asInTheCloud has all names lead to a cloud.
func asInTheCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	server := httptest.NewTLSServer(c)
	t.Cleanup(server.Close)
	plain, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t.Fatalf("the process's HTTP transport is a %T", http.DefaultTransport)
	}
	there := plain.Clone()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	there.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
	there.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	http.DefaultTransport = there
	t.Cleanup(func() { http.DefaultTransport = plain })
	return c
}

// serviceAccount writes the file of a service account whose tokens come from a server.
func serviceAccount(t *testing.T, tokens string) (path string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "k", "client_email": "release@p.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Application default credentials: the file that the environment names.
func TestCredentialsOfAServiceAccount(t *testing.T) {
	c := asInTheCloud(t)
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, "https://oauth2.googleapis.com/token"))
	s, err := reopen("gs://releases")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Get(t.Context(), "a/b") // what the server answers says nothing
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.authorization != "Bearer of-the-account" || strings.Count(c.assertion, ".") != 2 {
		t.Errorf("it asks with %q, and asked for a token with %q", c.authorization, c.assertion)
	}
}

// The library asks for tokens without the request's context: a server that gives none must not have it wait for ever.
func TestATokenServerThatNeverAnswers(t *testing.T) {
	c := asInTheCloud(t)
	c.silent = make(chan struct{})
	t.Cleanup(func() { close(c.silent) })
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, "https://oauth2.googleapis.com/token"))
	opened, err := reopen("gs://releases")
	if err != nil {
		t.Fatal(err)
	}
	s := store.Bounded(opened, store.Limits{Request: time.Second, Idle: time.Second})
	ended := make(chan error, 1)
	go func() {
		_, err := s.Get(t.Context(), "a/b")
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, store.ErrNoAnswer) {
			t.Errorf("%v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it waits for ever")
	}
}
