package haproxy_test

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
)

// Requests that are in flight when the counting begins, and end well, hide none of those that fail later.
func TestInFlightAtTheMark(t *testing.T) {
	const n = 3
	arrived, release := make(chan struct{}, n), make(chan struct{})
	address := listen(t, func(c *net.TCPConn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if r.URL.Path == "/good" {
			arrived <- struct{}{}
			<-release
		}
		behaviours[r.URL.Path](c)
	})
	s := haproxytest.Start(t, func(s *haproxytest.Server) string {
		return haproxytest.Split(s, haproxytest.Backend{Servers: haproxytest.Slot("bad", 1, address)})
	})
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			if user(t, s, "", "/good") {
				t.Error("a good request failed")
			}
		})
	}
	for range n {
		<-arrived
	}
	sums := newSums(t, s, "web", address)
	close(release)
	group.Wait()
	for range n {
		if !user(t, s, "", "/closed") {
			t.Error("a request without an answer was well")
		}
	}
	sums.want("in flight at the mark", 2*n, n)
}

// An answer that was counted as a request, and breaks off later, is an error of a sample that has a request.
func TestBreaksOffLater(t *testing.T) {
	address := newBehaving(t)
	s := startFacts(t, map[string]string{"behaving": address}, address)
	sums := newSums(t, s, "none-behaving", address)
	done := make(chan bool)
	go func() { done <- user(t, s, "none-behaving", "/hangs-later") }()
	haproxytest.Wait(t, "the request is counted", func() bool {
		sums.sample()
		return sums.requests == 1
	})
	if !<-done {
		t.Error("an answer that does not end is well")
	}
	haproxytest.Wait(t, "HAProxy counts that the server ended it", func() bool {
		stats, err := s.Client().Stat(t.Context(), "none-behaving")
		if err != nil {
			t.Fatal(err)
		}
		aborted, _ := stats[0].Number("srv_abrt")
		return aborted == 1
	})
	sums.sample() // which has no request, and so no error
	if user(t, s, "none-behaving", "/good") {
		t.Error("a good request failed")
	}
	sums.want("broken off later", 2, 1)
}
