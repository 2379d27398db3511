package routertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// deadline bounds every wait for what must happen.
const deadline = 60 * time.Second

// slowPath answers when the backend is released.
const slowPath = "/slow"

// backend is the instances of a slot: they answer with the slot's name.
type backend struct {
	slot    string
	servers []*httptest.Server
	slow    atomic.Int32
	release chan struct{}
	// asked counts requests by instance.
	asked []atomic.Int64
}

func newBackend(t *testing.T, slot string, instances int) *backend {
	t.Helper()
	b := &backend{slot: slot, release: make(chan struct{}), asked: make([]atomic.Int64, instances)}
	answer := func(instance int, w http.ResponseWriter, r *http.Request) {
		b.asked[instance].Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == slowPath {
			b.slow.Add(1)
			defer b.slow.Add(-1)
			select {
			case <-b.release:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = io.WriteString(w, slot)
	}
	for i := range instances {
		b.servers = append(b.servers, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(i, w, r) })))
	}
	t.Cleanup(b.close)
	return b
}

// close ends the instances.
func (b *backend) close() {
	for _, server := range b.servers {
		server.Close()
	}
}

func (b *backend) placement() service.Placement {
	p := service.Placement{Release: service.ReleaseID("production/web/" + b.slot), Slot: b.slot}
	for i, server := range b.servers {
		p.Instances = append(p.Instances, service.Instance{
			Name: fmt.Sprintf("%s/%d", b.slot, i), Address: strings.TrimPrefix(server.URL, "http://"),
		})
	}
	return p
}

// client sends requests that nothing sends again when they are lost: Go's transport repeats what it can, and a
// router may, too. A POST with a body of unknown length is repeated by neither.
type client struct {
	url       string
	transport *http.Transport
}

func newClient(t *testing.T, url string, keepAlive bool) *client {
	t.Helper()
	c := &client{url: url, transport: &http.Transport{DisableKeepAlives: !keepAlive}}
	t.Cleanup(c.transport.CloseIdleConnections)
	return c
}

// ask returns who answered, or the status and body of an answer that no backend gave.
func (c *client) ask(ctx context.Context, path string) (slot string, err error) {
	body := struct{ io.Reader }{strings.NewReader("payload")}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, body)
	if err != nil {
		return "", err
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", &lostError{status: response.Status}
	}
	return string(answer), nil
}

type lostError struct{ status string }

func (e *lostError) Error() string { return "the router answers " + e.status }

// eventually polls until ok, and fails the test when it never is.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen within %s", what, deadline)
		}
	}
}
