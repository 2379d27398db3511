package cloudtest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands before a server and does what networks and lesser servers do. Safe for concurrent use.
type Proxy struct {
	// Address that it listens at, host:port.
	Address string
	// LoseAnswers drops the connection instead of every other answer to a write: the write has arrived.
	LoseAnswers atomic.Bool
	// Lost counts the answers that were dropped.
	Lost atomic.Int64
	// IgnoreConditions answers as a server does that knows no conditional writes.
	IgnoreConditions atomic.Bool
	// Unreachable drops every connection: nothing arrives.
	Unreachable atomic.Bool
	// Delay in nanoseconds is how long each request waits before it goes on; it ends with the client's patience.
	Delay atomic.Int64

	writes atomic.Int64
}

// Before starts a proxy before the server at address, until the test ends.
func Before(t *testing.T, address string) *Proxy {
	t.Helper()
	p := &Proxy{}
	target := &url.URL{Scheme: "http", Host: address}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if query := r.Out.URL.Query(); p.IgnoreConditions.Load() && query.Has("ifGenerationMatch") {
				query.Del("ifGenerationMatch") // Google's condition; the others' are signed
				r.Out.URL.RawQuery = query.Encode()
			}
			if r.In.Header.Get("Authorization") != "" {
				r.Out.Host = r.In.Host // it is signed
			}
		},
		ModifyResponse: p.spoil,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Duration(p.Delay.Load())):
		case <-r.Context().Done():
		case <-ended: // That the client has gone shows only once its body is read.
			panic(http.ErrAbortHandler)
		}
		if p.Unreachable.Load() {
			panic(http.ErrAbortHandler)
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		close(ended)
		server.Close()
	})
	p.Address = server.Listener.Addr().String()
	return p
}

// errLost has the proxy drop the connection.
type errLost struct{}

func (errLost) Error() string { return "the answer is lost" }

func (p *Proxy) spoil(response *http.Response) error {
	method := response.Request.Method
	if method != http.MethodPut && method != http.MethodPost {
		return nil
	}
	if p.LoseAnswers.Load() && p.writes.Add(1)%2 == 1 {
		p.Lost.Add(1)
		return errLost{}
	}
	refused := response.StatusCode == http.StatusPreconditionFailed || response.StatusCode == http.StatusConflict
	if p.IgnoreConditions.Load() && refused {
		response.StatusCode, response.Status = http.StatusCreated, "201 Created"
		response.Header.Set("ETag", `"overwritten"`)
		response.Header.Del("x-ms-error-code")
		response.Body, response.ContentLength = http.NoBody, 0
		response.Header.Set("Content-Length", "0")
	}
	return nil
}
