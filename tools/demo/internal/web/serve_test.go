package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/web"
)

// keepAsking sends one request after the other on one connection that is kept alive, without ever sending one again,
// until the server says that the connection closes.
func keepAsking(ctx context.Context, address string, answered *atomic.Int64) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	reader := bufio.NewReader(connection)
	for {
		if _, err := fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if err := response.Body.Close(); err != nil {
			return fmt.Errorf("read the answer's body: %w", err)
		}
		answered.Add(1)
		if response.Close {
			return nil
		}
	}
}

func TestServeEndsWithoutLosingARequest(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, terminate := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- web.Serve(ctx, listener, web.NewHandler(web.Config{Release: release})) }()

	const clients = 20
	var answered atomic.Int64
	var asking sync.WaitGroup
	errs := make(chan error, clients)
	for range clients {
		asking.Go(func() { errs <- keepAsking(t.Context(), listener.Addr().String(), &answered) })
	}
	for deadline := time.Now().Add(10 * time.Second); answered.Load() < 10*clients && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	before := answered.Load()
	if before == 0 {
		t.Fatal("nothing was answered")
	}
	terminate()
	asking.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Errorf("a client lost a request: %v", err)
		}
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String()); err == nil {
		t.Error("it still listens after its end")
	}
}

// A connection that is idle when the service is told to end may carry one more request.
func TestServeSaysFarewellToIdleConnections(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, terminate := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- web.Serve(ctx, listener, web.NewHandler(web.Config{Release: release})) }()
	var idle []*http.Transport
	for range 20 {
		transport := &http.Transport{}
		if _, err := post(t, transport, listener.Addr().String()); err != nil {
			t.Fatal(err)
		}
		idle = append(idle, transport)
	}
	terminate()
	for _, transport := range idle {
		closing, err := post(t, transport, listener.Addr().String())
		if err != nil {
			t.Errorf("a request on an idle connection: %v", err)
		} else if !closing {
			t.Error("an answer after the end began does not say that its connection closes")
		}
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

// post sends a request that net/http does not send again by itself, and tells whether the answer closes the connection.
func post(t *testing.T, transport *http.Transport, address string) (closing bool, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, strings.NewReader("x"))
	if err != nil {
		return false, err
	}
	request.GetBody = nil
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false, err
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return false, err
	}
	return response.Close, response.Body.Close()
}

func TestServeFinishesARequestInFlight(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, terminate := context.WithCancel(t.Context())
	served := make(chan error, 1)
	arrived, release := make(chan struct{}), make(chan struct{})
	go func() {
		served <- web.Serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(arrived)
			<-release
			w.WriteHeader(http.StatusTeapot)
		}))
	}()
	status := make(chan error, 1)
	go func() {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
		if err != nil {
			status <- err
			return
		}
		response, err := new(http.Transport).RoundTrip(request)
		if err == nil && response.StatusCode != http.StatusTeapot {
			err = errors.New(response.Status)
		}
		if err == nil {
			err = response.Body.Close()
		}
		status <- err
	}()
	<-arrived
	terminate()
	select {
	case err := <-served:
		t.Fatalf("it ended with a request in flight: %v", err)
	case <-time.After(time.Second): // longer than the farewell: now only the request holds it
	}
	close(release)
	if err := <-status; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}
