package haproxy_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/haproxy"
)

// What a server does with a request, by its path. The names are what is wrong.
var behaviours = map[string]func(c *net.TCPConn){
	"/good":        says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
	"/missing":     says("HTTP/1.1 404 x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
	"/hinted":      says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
	"/error":       says("HTTP/1.1 500 x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
	"/closed":      says(""),
	"/reset":       func(c *net.TCPConn) { _ = c.SetLinger(0) },
	"/head":        says("HTTP/1.1 200 OK\r\nContent-L"),
	"/short":       says("HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\nok"),
	"/chunk":       says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"),
	"/garbage":     says("garbage\r\n\r\n"),
	"/hangs":       func(c *net.TCPConn) { waitForEnd(c) },
	"/hangs-later": func(c *net.TCPConn) { says("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok")(c); waitForEnd(c) },
}

func says(text string) func(c *net.TCPConn) {
	return func(c *net.TCPConn) { _, _ = io.WriteString(c, text) } // HAProxy may be gone
}

// waitForEnd until HAProxy has had enough.
func waitForEnd(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

// listen runs handle for each connection until the test ends.
func listen(t *testing.T, handle func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}

// newBehaving is a server that does as it is asked.
func newBehaving(t *testing.T) string {
	t.Helper()
	return listen(t, func(c *net.TCPConn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			behaviours[r.URL.Path](c)
		}
	})
}

// user asks for path in the backend, and tells whether it failed as a user sees it.
func user(t *testing.T, s *haproxytest.Server, backend, path string) (failed bool) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Error(err)
		return false
	}
	request.Header.Set("Backend", backend)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Error(err)
		return false
	}
	_, err = io.ReadAll(response.Body)
	_ = response.Body.Close()
	return err != nil || response.StatusCode >= http.StatusInternalServerError
}

// modes are ways to retry.
var modes = map[string][]string{
	"none":       {"retries 0"},
	"default":    {},
	"redispatch": {"option redispatch 1"},
	"all":        {"retry-on all-retryable-errors", "retries 2", "option redispatch 1"},
	"same":       {"retry-on all-retryable-errors", "retries 2"},
}

// startFacts runs an HAProxy with a backend for each mode and bad server, alone and with a good one beside it.
func startFacts(t *testing.T, bad map[string]string, good string) *haproxytest.Server {
	t.Helper()
	return haproxytest.Start(t, func(s *haproxytest.Server) string {
		var text strings.Builder
		text.WriteString(s.Global() + haproxytest.Defaults + s.Frontend("none-behaving") + "  use_backend %[req.hdr(backend)]\n")
		for mode, lines := range modes {
			for name, address := range bad {
				b := haproxytest.Backend{Name: mode + "-" + name, Servers: haproxytest.Slot("bad", 1, address), More: append([]string{
					"timeout server 300ms", "http-request set-timeout server 20s unless { path_beg /hangs }", // What is good may take its time.
				}, lines...)}
				text.WriteString(b.String())
				b.Name, b.Servers = b.Name+"-beside", append(b.Servers, haproxytest.Slot("good", 1, good)...)
				text.WriteString(b.String())
			}
		}
		return text.String()
	})
}

// sums of samples, which never have more errors than requests.
type sums struct {
	t               *testing.T
	sampler         delivery.Sampler
	requests, wrong float64
}

func newSums(t *testing.T, s *haproxytest.Server, backend string, addresses ...string) *sums {
	t.Helper()
	c := &sums{t: t, sampler: haproxy.New([]haproxy.Node{{Name: "a", Client: s.Client()}}, backend, nil).Sampler(place(addresses...), delivery.Measure{Requests: true})}
	c.sample()
	return c
}

func (c *sums) sample() {
	c.t.Helper()
	got, err := c.sampler.Sample(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	if got.Errors > got.Requests || got.Errors < 0 {
		c.t.Fatalf("the sample is %+v", got)
	}
	c.requests += got.Requests
	c.wrong += got.Errors
}

// want waits until all is counted; HAProxy counts some failures shortly after the user has seen them. Then there is no more.
func (c *sums) want(what string, requests, wrong float64) {
	c.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); c.requests < requests || c.wrong < wrong; time.Sleep(5 * time.Millisecond) {
		if c.sample(); time.Now().After(deadline) {
			break
		}
	}
	if c.sample(); c.requests != requests || c.wrong != wrong {
		c.t.Errorf("%s: %g requests and %g errors are counted, and users had %g and %g", what, c.requests, c.wrong, requests, wrong)
	}
}

// What users saw is what is counted: each way to fail, with each way to retry, with the server alone and with a good one beside it.
func TestUsersAndCounts(t *testing.T) {
	good := listen(t, func(c *net.TCPConn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			behaviours["/good"](c)
		}
	})
	bad := map[string]string{"behaving": newBehaving(t), "refusing": component.Refusing(t), "closing": listen(t, func(*net.TCPConn) {})}
	s := startFacts(t, bad, good)
	var group sync.WaitGroup
	for mode := range modes {
		for name := range bad {
			paths := behaviours
			if name != "behaving" {
				paths = map[string]func(c *net.TCPConn){"/good": nil}
			}
			for _, beside := range []string{"", "-beside"} {
				group.Go(func() {
					backend := mode + "-" + name + beside
					ofBad, ofGood := newSums(t, s, backend, bad[name]), (*sums)(nil)
					if beside != "" {
						ofGood = newSums(t, s, backend, good)
					}
					for path := range paths {
						requests, wrong := ofBad.requests+4, ofBad.wrong
						var before float64
						if ofGood != nil {
							before = ofGood.requests
						}
						for range 4 {
							if user(t, s, backend, path) {
								wrong++
							}
						}
						if ofGood != nil {
							// What the good one answered the bad one did not.
							haproxytest.Wait(t, "the good server's answers are counted", func() bool {
								ofGood.sample()
								return ofGood.requests >= before+2
							})
							ofGood.sample()
							requests -= ofGood.requests - before
						}
						ofBad.want(fmt.Sprintf("%s%s", backend, path), requests, wrong)
						if ofGood != nil && ofGood.wrong != 0 {
							t.Errorf("%s%s: the good server has %g errors", backend, path, ofGood.wrong)
						}
					}
				})
			}
		}
	}
	group.Wait()
}

// In a mix at once, the counts run ahead of what users saw by what is in flight at most.
func TestMixUnderLoad(t *testing.T) {
	address := newBehaving(t)
	s := startFacts(t, map[string]string{"behaving": address}, address)
	const workers, each = 8, 60
	var paths []string
	for path := range behaviours {
		if !strings.HasPrefix(path, "/hangs") {
			paths = append(paths, path)
		}
	}
	quiet, busy := newSums(t, s, "none-behaving", address), newSums(t, s, "none-behaving", address)
	var group sync.WaitGroup
	var mu sync.Mutex
	var wrong float64
	for w := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			for range each {
				if user(t, s, "none-behaving", paths[random.IntN(len(paths))]) {
					mu.Lock()
					wrong++
					mu.Unlock()
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(5 * time.Millisecond):
			busy.sample()
		}
	}
	quiet.want("sampled once", workers*each, wrong)
	// An answer that broke off after it was counted is an error of the next request, so there are some more.
	for range workers {
		if user(t, s, "none-behaving", "/good") {
			t.Error("a good request failed")
		}
	}
	busy.sample()
	if ahead := busy.requests - workers*(each+1); ahead < 0 || ahead > workers {
		t.Errorf("sampled meanwhile: %g requests are counted, and users had %d", busy.requests, workers*(each+1))
	}
	if ahead := busy.wrong - wrong; ahead < 0 || ahead > workers {
		t.Errorf("sampled meanwhile: %g errors are counted, and users had %g", busy.wrong, wrong)
	}
}
