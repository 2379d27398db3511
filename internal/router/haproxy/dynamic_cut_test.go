package haproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// cutting dials as dial does, and has commands obeyed one after the other. Of all of them together the one that left counts down to is obeyed,
// and its answer is lost, as are the commands behind it.
func cutting(dial api.Dialer, left *atomic.Int32) api.Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		socket, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		client, relay := net.Pipe()
		go func() {
			defer func() { _, _ = relay.Close(), socket.Close() }()
			commands, answers := bufio.NewReader(relay), bufio.NewReader(socket)
			lines := make(chan string)
			gone := make(chan bool)
			defer close(gone)
			go func() {
				// Beside the answers: the client writes on while it is answered.
				defer close(lines)
				for {
					line, err := commands.ReadString('\n')
					if err != nil {
						return
					}
					select {
					case lines <- line:
					case <-gone:
						return
					}
				}
			}()
			for line := range lines {
				if _, err := io.WriteString(socket, line); err != nil {
					return
				}
				var answer strings.Builder
				for !strings.HasSuffix(answer.String(), "\n> ") {
					c, err := answers.ReadByte()
					if err != nil {
						return
					}
					answer.WriteByte(c)
				}
				if left.Add(-1) == 0 {
					return
				}
				if _, err := io.WriteString(relay, answer.String()); err != nil {
					return
				}
			}
		}()
		return client, nil
	}
}

// agent is the port of one that says of each server that it is up.
func agent(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, "up\n")
			_ = connection.Close()
		}
	}()
	address, isTCP := listener.Addr().(*net.TCPAddr)
	if !isTCP {
		t.Fatal(listener.Addr())
	}
	return address.Port
}

// TestDynamicCutOff: whichever answer is lost with the connection, and the commands behind it, a split comes to the same end: servers at their
// addresses, checked, with their weights. One server is to be added, one is of a release at another address, and one is of an instance that is gone.
func TestDynamicCutOff(t *testing.T) {
	s := newStand(t, form{options: fmt.Sprintf("check inter 100ms agent-check agent-port %d agent-inter 100ms", agent(t)), dynamic: true}, 1, 3)
	before, after := s.green, s.green
	before.Instances = []service.Instance{
		{Name: s.green.Instances[0].Name, Address: s.green.Instances[2].Address}, {Name: "green/9", Address: s.green.Instances[2].Address},
	}
	after.Instances = slices.Clone(s.green.Instances[:2])
	state := func() string {
		t.Helper()
		servers, err := s.servers[0].Client().Servers(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, server := range servers {
			if !strings.HasPrefix(server.Name, ours) {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s at %s, weight %d, eligible %t, checked %t, agent %t", server.Name, server.HostPort(), server.Weight, server.Eligible(), server.Checked(),
				server.AgentState&api.CheckEnabled != 0))
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	var want string
	for n := int32(0); ; n++ {
		s.green = before
		s.set(t, s.split(0))
		s.green = after
		var left atomic.Int32
		left.Store(n)
		r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
			return haproxy.Access{Dial: cutting(s.dial(0), &left)}
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.SetWeights(t.Context(), s.split(50)); err != nil {
			t.Errorf("without answer %d: %v", n, err)
		}
		// What cannot be removed then is with the next split.
		s.set(t, s.split(50))
		switch got := state(); {
		case n == 0:
			want = got // nothing was cut off
			if strings.Count(want, "checked true, agent true") != 3 || strings.Contains(want, "green_9") {
				t.Fatalf("without a cut there is\n%s", want)
			}
		case got != want:
			t.Errorf("without answer %d there is\n%s\nwant\n%s", n, got, want)
		}
		if n > 0 && left.Load() > 0 {
			t.Logf("%d answers", n-left.Load())
			return
		}
	}
}

// TestDynamicUnchecked: a server whose checks are off gets nothing before one has found it up, also where it was added long ago.
func TestDynamicUnchecked(t *testing.T) {
	s := newStand(t, form{options: checked, dynamic: true}, 1, 1)
	s.green.Instances[0].Address = component.Refusing(t)
	at := "web/" + ours + "green_0"
	s.servers[0].Command(t, "add server "+at+" "+s.green.Instances[0].Address+" "+checked)
	s.SetWarmFor(0)
	wantError(t, s.SetWeights(t.Context(), s.split(50)), "green_0", "now has blue 0 %, green 0 %")
}
