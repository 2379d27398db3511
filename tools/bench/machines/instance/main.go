//go:build linux

// Command instance is the service of the benchmark: a server that takes little of the machine, answers /slow late, and turns bad when
// it is told to.
//
// PORT, DEPLOY_ADDRESS and DEPLOY_RELEASE come from the platform.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// slow is how long an answer of /slow takes.
	slow = 300 * time.Millisecond
	// farewell is how long kept connections may take to be told that they end, endLimit what requests in flight may take.
	farewell, endLimit = 200 * time.Millisecond, 10 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(os.Getenv("DEPLOY_ADDRESS"), os.Getenv("PORT")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := &server{ctx: ctx}
	s.answers = answersOf(os.Getenv("DEPLOY_RELEASE"))
	go s.accept(listener)
	<-ctx.Done()
	s.end(listener)
}

// server answers.
type server struct {
	ctx     context.Context //nolint:containedctx // its end is the server's
	answers answers
	// bad: every other request fails, on purpose.
	bad         atomic.Bool
	asked       atomic.Uint64
	connections atomic.Int64
	requests    atomic.Int64
}

// answers as they are written, by whether the connection ends with them.
type answers struct{ good, bad [2][]byte }

func answersOf(release string) answers {
	one := func(status, more string) (both [2][]byte) {
		for i, connection := range []string{"", "Connection: close\r\n"} {
			both[i] = fmt.Appendf(nil, "HTTP/1.1 %s\r\nX-Release: %s\r\n%s%sContent-Length: 3\r\n\r\nok\n", status, release, more, connection)
		}
		return both
	}
	return answers{good: one("200 OK", ""), bad: one("500 Internal Server Error", "X-Fault: on purpose\r\n")}
}

func (s *server) accept(listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return // It is closed: this is the end.
		}
		s.connections.Add(1)
		go func() {
			defer s.connections.Add(-1)
			defer func() { _ = c.Close() }()
			s.serve(c)
		}()
	}
}

func (s *server) serve(c net.Conn) {
	r := bufio.NewReaderSize(c, 2048)
	for {
		path, last, err := readRequest(r)
		if err != nil {
			return
		}
		s.requests.Add(1)
		last = last || s.ctx.Err() != nil
		_, err = c.Write(s.answer(path, last))
		s.requests.Add(-1)
		if err != nil || last {
			return
		}
	}
}

func (s *server) answer(path []byte, last bool) []byte {
	i := 0
	if last {
		i = 1
	}
	switch {
	case bytes.Equal(path, []byte("/healthz")):
		return s.answers.good[i]
	case bytes.Equal(path, []byte("/turn-bad")):
		s.bad.Store(true)
		return s.answers.good[i]
	case bytes.Equal(path, []byte("/slow")):
		time.Sleep(slow)
	}
	if s.bad.Load() && s.asked.Add(1)%2 == 0 {
		return s.answers.bad[i]
	}
	return s.answers.good[i]
}

// readRequest reads a request without a body.
func readRequest(r *bufio.Reader) (path []byte, last bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, false, err
	}
	parts := bytes.Fields(line)
	if len(parts) != 3 {
		return nil, false, fmt.Errorf("no request: %q", line)
	}
	path, last = bytes.Clone(parts[1]), !bytes.Equal(parts[2], []byte("HTTP/1.1"))
	for {
		line, err = r.ReadSlice('\n')
		if err != nil {
			return nil, false, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			return path, last, nil
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Connection")) {
			last = last || bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
}

// end tells connections that they end, then closes the listener, and waits for requests in flight.
func (s *server) end(listener net.Listener) {
	waitFor(farewell, func() bool { return s.connections.Load() == 0 })
	_ = listener.Close()
	waitFor(endLimit, func() bool { return s.requests.Load() == 0 })
}

func waitFor(limit time.Duration, done func() bool) {
	for deadline := time.Now().Add(limit); !done() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
}
