package haproxy_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
)

// start runs an HAProxy with a backend web of blue, two green ones and one by name, and a backend static.
func start(t testing.TB) *haproxytest.Server {
	t.Helper()
	return haproxytest.Start(t, func(s *haproxytest.Server) string {
		web := haproxytest.Backend{Servers: append(haproxytest.Slot("blue", 100, "127.0.0.1:1"), haproxytest.Slot("green", 0, "[::1]:2", "127.0.0.1:3")...)}
		web.Servers = append(web.Servers, haproxytest.Line{Name: "named", Address: "localhost:4", Weight: 7, Options: "disabled"})
		return haproxytest.Split(s, web, haproxytest.Backend{Name: "static", Balance: "static-rr", Servers: haproxytest.Slot("only", 1, "127.0.0.1:5")})
	})
}

// Answers that are empty, that have no line break at their end, and that have empty lines of their own are told apart.
func TestAnswersAreToldApart(t *testing.T) {
	s := start(t)
	for _, c := range []*haproxy.Client{s.Client(), s.ClientTCP()} {
		commands := []string{
			"set server web/blue weight 6", "del server web/blue", "show servers state web", "show stat", "add server web/new 127.0.0.1:9 weight 3",
			"show errors", "set server web/blue weight 7", "get weight web/blue", "del server web/new", "show info",
		}
		answers, err := c.Command(t.Context(), commands...)
		if err == nil || len(answers) != len(commands) {
			t.Fatalf("%d answers to %d commands (%v)", len(answers), len(commands), err)
		}
		for i, want := range []string{"", "", "1\n# be_id", "# pxname", "New server registered.", "Total events", "", "7 (initial 100)", "Server deleted.", "Name: HAProxy"} {
			if i != 1 && (!strings.HasPrefix(answers[i], want) || want == "" && answers[i] != "") {
				t.Errorf("%q answers %q, want %q", commands[i], answers[i], want)
			}
		}
		if !strings.Contains(err.Error(), "del server web/blue") || strings.Contains(err.Error(), "weight") {
			t.Errorf("the error is %v, and only one command fails", err)
		}
	}
}

func TestManyCommandsAtOnce(t *testing.T) {
	s := start(t)
	var commands []string
	for i := range 3000 {
		commands = append(commands, fmt.Sprintf("set server web/blue weight %d", i%256), "get weight web/blue")
	}
	answers, err := s.Client().Command(t.Context(), commands...)
	if err != nil || len(answers) != len(commands) {
		t.Fatalf("%d answers to %d commands (%v)", len(answers), len(commands), err)
	}
	for i := range 3000 {
		if want := fmt.Sprintf("%d (initial 100)", i%256); answers[2*i] != "" || answers[2*i+1] != want {
			t.Fatalf("the weight after command %d is %q, want %q", i, answers[2*i+1], want)
		}
	}
}

// More callers than HAProxy takes connections of wait for each other.
func TestManyCallers(t *testing.T) {
	s := start(t)
	failed := make(chan error, 200)
	for range cap(failed) {
		go func() {
			_, err := s.Client().Info(t.Context())
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		client        *haproxy.Client
		command       string
		kind          error
		named, remedy string
	}{
		{s.Client(), "set server web/nope weight 3", haproxy.ErrNoServer, "No such server", "show servers state"},
		{s.Client(), "set server nope/blue weight 3", haproxy.ErrNoBackend, "No such backend", "show backend"},
		{s.Client(), "set server blue weight 3", nil, "Require 'backend/server'", "backend/server"},
		{s.Client(), "set server web/blue weight 257", nil, "between 0 and 256", ""},
		{s.Client(), "set server static/only weight 3", nil, "static LB algorithm", "balance roundrobin"},
		{s.Client(), "show servers state nope", haproxy.ErrNoBackend, "Can't find backend", "show backend"},
		{s.Client(), "frobnicate", haproxy.ErrUnknownCommand, "Unknown command", "too old"},
		{s.ClientUser(), "set server web/blue weight 3", haproxy.ErrPermission, "Permission denied", "stats socket … level admin"},
		{s.ClientUser(), "add server web/x 127.0.0.1:1", haproxy.ErrPermission, "Permission denied", "level admin"},
	} {
		_, err := c.client.Command(t.Context(), c.command)
		var refused *haproxy.AnswerError
		if !errors.As(err, &refused) || refused.Command != c.command || c.kind != nil && !errors.Is(err, c.kind) {
			t.Errorf("%q: %v", c.command, err)
			continue
		}
		for _, want := range []string{c.client.String(), c.command, c.named, c.remedy} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error %q does not name %q", err, want)
			}
		}
	}
	if _, err := s.Client().Command(t.Context(), "set server web/blue addr 127.0.0.2 port 80"); err != nil {
		t.Errorf("a warning that tells what was done: %v", err)
	}
	for _, wrong := range []string{"", " ", "show info\nshow stat", "show info; show stat", "add map #1 <<", "prompt", "quit", strings.Repeat("x", 10000)} {
		if _, err := s.Client().Command(t.Context(), wrong); err == nil || errors.Is(err, haproxy.ErrBroken) {
			t.Errorf("%.20q is sent: %v", wrong, err)
		}
	}
	if info, err := s.ClientUser().Info(t.Context()); err != nil || info.Pid != s.Worker() {
		t.Errorf("who may read alone reads %+v (%v)", info, err)
	}
}

// After a reload the new process is talked to, however soon, and after a restart too.
func TestReloadAndRestart(t *testing.T) {
	s := start(t)
	c := s.Client()
	before, err := c.Info(t.Context())
	if err != nil || before.Pid != s.Worker() || !before.Version.AtLeast(2, 4) || before.Node != "node" || time.Since(before.Started) > time.Hour {
		t.Fatalf("it says %+v (%v)", before, err)
	}
	// A connection that is kept has the old process stay.
	kept, err := new(net.Dialer).DialContext(t.Context(), "unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	for range 3 {
		s.Command(t, "set server web/blue weight 5")
		s.Reload(t)
		for range 20 {
			after, err := c.Info(t.Context())
			if err != nil || after.Pid == before.Pid || after.Pid != s.Worker() {
				t.Fatalf("after a reload %d answers, want %d (%v)", after.Pid, s.Worker(), err)
			}
		}
		if got := s.Command(t, "get weight web/blue")[0]; got != "100 (initial 100)" {
			t.Errorf("the new process has the weight %s", got)
		}
	}
	s.Restart(t)
	if after, err := c.Info(t.Context()); err != nil || after.Pid != s.Worker() {
		t.Errorf("after a restart: %+v (%v)", after, err)
	}
	s.Kill(t)
	if _, err := c.Info(t.Context()); !errors.Is(err, haproxy.ErrUnreachable) {
		t.Errorf("after a crash: %v", err)
	}
	s.Run(t)
	if after, err := c.Info(t.Context()); err != nil || after.Pid != s.Worker() {
		t.Errorf("after it was started again: %+v (%v)", after, err)
	}
}

func TestTimeoutAndCancellation(t *testing.T) {
	s := start(t)
	s.Suspend(t)
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.Socket)
	}
	_, err := haproxy.New("node a", dial, 50*time.Millisecond).Query(t.Context(), "show info")
	if !errors.Is(err, haproxy.ErrBroken) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "show info") {
		t.Errorf("HAProxy that hangs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := haproxy.New("node a", dial, time.Hour).Query(ctx, "show info"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ends: %v", err)
	}
	s.Resume(t)
	if _, err := haproxy.New("node a", dial, time.Minute).Query(t.Context(), "show info"); err != nil {
		t.Error(err)
	}
}

// The master's socket, and a server that waits for more, are found out at once.
func TestOtherSockets(t *testing.T) {
	s := start(t)
	for address, want := range map[string]string{s.Master: "master process", strings.TrimPrefix(s.URL, "http://"): "no stats socket of HAProxy: it says \"HTTP/1"} {
		network := "tcp"
		if address == s.Master {
			network = "unix"
		}
		_, err := haproxy.New("node a", func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}, time.Hour).Query(t.Context(), "show info")
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, haproxy.ErrBroken) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The state file brings weights over a reload and a restart, and without one they are lost.
func TestStateFile(t *testing.T) {
	s := haproxytest.Start(t, func(s *haproxytest.Server) string {
		return haproxytest.Split(s, haproxytest.Backend{StateFile: true, Servers: haproxytest.Slot("blue", 100, "127.0.0.1:1")})
	})
	s.Command(t, "set server web/blue weight 33")
	s.SaveState(t)
	for _, again := range []func(testing.TB){s.Reload, s.Restart} {
		again(t)
		if servers, err := s.Client().Servers(t.Context(), "web"); err != nil || len(servers) != 1 || servers[0].Weight != 33 {
			t.Errorf("the servers are %+v (%v)", servers, err)
		}
	}
}

// The frontend answers by the servers.
func TestFrontend(t *testing.T) {
	s := start(t)
	response, err := http.Get(s.URL) //nolint:noctx // ends at once: nothing listens at the servers
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("it answers %s", response.Status)
	}
}
