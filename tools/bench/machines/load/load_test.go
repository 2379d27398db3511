package load_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/machines/load"
)

// generous bounds what must happen.
const generous = time.Minute

// server does to each request what deed says of its number, and counts how often it did what.
type server struct {
	listener net.Listener
	deed     func(n int64) string
	n        atomic.Int64

	mu   sync.Mutex
	done map[string]int64
	// perConnection is how many requests each connection carried.
	perConnection []int
}

func serve(t *testing.T, deed func(n int64) string) *server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{listener: listener, deed: deed, done: map[string]int64{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.connection(t.Context(), c) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return s
}

func (s *server) connection(ctx context.Context, c net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for carried := 0; ; carried++ {
		request, err := http.ReadRequest(r)
		if err != nil {
			s.mu.Lock()
			s.perConnection = append(s.perConnection, carried)
			s.mu.Unlock()
			return
		}
		deed := s.deed(s.n.Add(1))
		s.mu.Lock()
		s.done[deed]++
		s.mu.Unlock()
		if !s.do(ctx, c, deed) || request.Close {
			return
		}
	}
}

// do tells whether the connection goes on.
func (s *server) do(ctx context.Context, c net.Conn, deed string) bool {
	write := func(format string, values ...any) bool {
		_, err := fmt.Fprintf(c, format, values...)
		return err == nil
	}
	switch deed {
	case "good":
		return write("HTTP/1.1 200 OK\r\nX-Release: v1\r\nContent-Length: 3\r\n\r\nok\n")
	case "good, to the end":
		write("HTTP/1.0 200 OK\r\nX-Release: v2\r\n\r\nall that there is")
		return false
	case "good, last":
		write("HTTP/1.1 200 OK\r\nX-Release: v1\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n")
		return false
	case "on purpose":
		return write("HTTP/1.1 500 Internal Server Error\r\nX-Release: v2\r\nX-Fault: on purpose\r\nContent-Length: 0\r\n\r\n")
	case "500":
		return write("HTTP/1.1 500 Internal Server Error\r\nX-Release: v2\r\nContent-Length: 0\r\n\r\n")
	case "503":
		return write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
	case "closed":
		return false
	case "reset":
		if tcp, is := c.(*net.TCPConn); is {
			_ = tcp.SetLinger(0)
		}
		return false
	case "cut off in the head":
		write("HTTP/1.1 200 OK\r\nX-Rel")
		return false
	case "cut off":
		write("HTTP/1.1 200 OK\r\nX-Release: v1\r\nContent-Length: 300\r\n\r\nok\n")
		return false
	case "silent":
		<-ctx.Done()
		return false
	}
	panic(deed)
}

func (s *server) did(deed string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[deed]
}

// until sends until done.
func until(t *testing.T, o load.Options, done func(load.Tally) bool) load.Tally {
	t.Helper()
	running, err := load.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(generous); !done(running.Tally()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("only %+v after %s", running.Tally().Sent, generous)
			break
		}
	}
	return running.Stop()
}

func sent(n int64) func(load.Tally) bool { return func(t load.Tally) bool { return t.Sent >= n } }

func options(s *server) load.Options {
	return load.Options{Targets: []string{s.listener.Addr().String()}, Rate: 1000, Path: "/", SlowPath: "/slow", SlowEvery: 100, Timeout: generous}
}

func TestNothingIsLostWhereAllIsAnswered(t *testing.T) {
	s := serve(t, func(n int64) string {
		switch n % 10 {
		case 0:
			return "good, last"
		case 1:
			return "good, to the end"
		case 2:
			return "on purpose"
		}
		return "good"
	})
	got := until(t, options(s), sent(1000))
	good := s.did("good") + s.did("good, last") + s.did("good, to the end")
	if got.Lost != 0 || got.Answered != good || got.FailedOnPurpose != s.did("on purpose") || got.Sent != got.Ended() {
		t.Errorf("%d sent, %d answered, %d failed, %d lost (%s); the server did %v", got.Sent, got.Answered, got.FailedOnPurpose, got.Lost, got.Why(), s.done)
	}
	if v2 := s.did("good, to the end") + s.did("on purpose"); got.Releases["v2"] != v2 || got.Releases["v1"]+v2 != got.Sent {
		t.Errorf("answers by release %v, of them v2 %d", got.Releases, v2)
	}
	if int64(len(got.Late)) != got.Sent || len(got.Took) < len(got.Late)*97/100 || len(got.Took) > len(got.Late)*995/1000 {
		t.Errorf("%d times, %d of them not slow", len(got.Late), len(got.Took))
	}
}

func TestEachLossIsCountedWithItsCause(t *testing.T) {
	deeds := []string{"500", "503", "closed", "reset", "cut off in the head", "cut off", "silent"}
	s := serve(t, func(n int64) string {
		if i := int(n % 50); i < len(deeds) {
			return deeds[i]
		}
		return "good"
	})
	o := options(s)
	// Whatever is slower than this counts as well, so that each loss is found here and not the server's.
	o.Timeout = 5 * time.Second
	got := until(t, o, sent(1000))
	want := map[string]int64{
		"500 of an instance":             s.did("500"),
		"503 of the proxy":               s.did("503"),
		"nothing was answered: closed":   s.did("closed"),
		"nothing was answered: reset":    s.did("reset"),
		"nothing was answered: timeout":  s.did("silent"),
		"the answer was cut off: closed": s.did("cut off") + s.did("cut off in the head"),
	}
	var lost int64
	for cause, n := range want {
		if lost += n; n == 0 || got.Causes[cause] != n {
			t.Errorf("%s: %d, want %d", cause, got.Causes[cause], n)
		}
	}
	if got.Lost != lost || got.Answered != s.did("good") || got.Sent != got.Ended() || int64(len(got.Losses)) != lost {
		t.Errorf("%d sent, %d answered, %d lost (%s), %d of them told; want %d and %d", got.Sent, got.Answered, got.Lost, got.Why(), len(got.Losses), s.did("good"), lost)
	}
	if got.LostFrom.IsZero() || got.LostTo.Before(got.LostFrom) {
		t.Errorf("lost from %s to %s", got.LostFrom, got.LostTo)
	}
}

func TestNobodyListens(t *testing.T) {
	o := options(serve(t, nil))
	o.Targets = []string{component.Refusing(t)}
	got := until(t, o, sent(100))
	if got.Lost != got.Sent || got.Causes["no connection: refused"] != got.Sent {
		t.Errorf("%d sent, %d lost: %s", got.Sent, got.Lost, got.Why())
	}
}

func TestHalfOfThemAreKept(t *testing.T) {
	s, other := serve(t, func(int64) string { return "good" }), serve(t, func(int64) string { return "good" })
	o := options(s)
	o.Targets = append(o.Targets, other.listener.Addr().String())
	got := until(t, o, sent(1000))
	if a, b := s.did("good"), other.did("good"); a-b > 2 || b-a > 2 || a+b != got.Sent {
		t.Errorf("the targets got %d and %d of %d", a, b, got.Sent)
	}
	// What the last answer of a connection was is known a moment after the client has it.
	for deadline := time.Now().Add(generous); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		carried, fresh, most := 0, 0, 0
		for _, n := range s.perConnection {
			if carried, most = carried+n, max(most, n); n == 0 {
				fresh++
			}
		}
		s.mu.Unlock()
		kept := s.did("good") / 2
		if most > 10 && int64(carried) >= kept-2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("connections carried %d requests, one of them %d, and there were %d to keep", carried, most, kept)
		}
	}
}

func TestTheRateHolds(t *testing.T) {
	s := serve(t, func(int64) string { return "good" })
	began := time.Now()
	got := until(t, options(s), sent(500))
	// It sends no more than is due, also where it was held up.
	if most := int64(time.Since(began).Seconds()*1000) + 1; got.Sent > most {
		t.Errorf("%d sent, and %d were due", got.Sent, most)
	}
	for _, late := range got.Late {
		if late < 0 {
			t.Fatalf("a request was sent %f ms before it was due", -late)
		}
	}
}

func TestWhatCannotBe(t *testing.T) {
	s := serve(t, func(int64) string { return "good" })
	for name, change := range map[string]func(*load.Options){
		"no target": func(o *load.Options) { o.Targets = nil }, "no rate": func(o *load.Options) { o.Rate = 0 }, "no timeout": func(o *load.Options) { o.Timeout = 0 },
	} {
		o := options(s)
		change(&o)
		if _, err := load.Start(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
