//go:build linux

package machines

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// own is an address of this machine that stands for that of a host.
const own = "127.0.3.1"

// An answer counts as a host's where it is the host that is asked: what this machine has at an address that every machine has is
// somebody else's, and behind a bastion the same address may be another machine's here.
func TestDialIsNotMisled(t *testing.T) {
	t.Parallel()
	ports := map[string]string{}
	for _, address := range []string{"127.0.0.1", own} {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		_, ports[address], _ = net.SplitHostPort(listener.Addr().String())
	}
	for name, c := range map[string]struct {
		instance string
		login    service.SSH
		through  bool
	}{
		"a host of the network":           {"127.0.0.1", service.SSH{Address: "10.0.0.11"}, true},
		"a port of it that is forwarded":  {"127.0.0.1", service.SSH{Address: "127.0.0.1"}, true},
		"by name":                         {"localhost", service.SSH{Address: "localhost"}, true},
		"another address of the loopback": {own, service.SSH{Address: "10.0.0.11"}, true},
		"its own, behind a bastion":       {own, service.SSH{Address: own, Bastion: &service.SSH{Address: "10.0.0.1"}}, true},
		"its own":                         {own, service.SSH{Address: own}, false},
	} {
		t.Run(name, func(t *testing.T) {
			port := ports[c.instance]
			if port == "" {
				port = ports["127.0.0.1"]
			}
			there := errors.New("asked there")
			d := definition()
			h := d.Hosts["a"]
			h.SSH = c.login
			d.Hosts["a"] = h
			m := open(t, d, func(name string) fake {
				return fake{name: name, dial: func(string) (net.Conn, error) { return nil, there }}
			})
			connection, err := m.Dial(t.Context(), service.Instance{Name: "blue/a/0", Address: "10.0.0.11:8001"}, net.JoinHostPort(c.instance, port))
			if err == nil {
				_ = connection.Close()
			}
			if through := errors.Is(err, there); through != c.through {
				t.Errorf("%v", err)
			}
		})
	}
	// The network's address behind a bastion: through it first.
	d := definition()
	h := d.Hosts["a"]
	h.SSH.Bastion = &service.SSH{Address: "10.0.0.1"}
	d.Hosts["a"] = h
	asked := 0
	m := open(t, d, func(name string) fake {
		return fake{name: name, dial: func(string) (net.Conn, error) {
			asked++
			connection, other := net.Pipe()
			return connection, other.Close()
		}}
	})
	for range 2 {
		connection, err := m.Dial(t.Context(), service.Instance{Name: "blue/a/0", Address: "10.0.0.11:8001"}, "10.0.0.11:8001")
		if err != nil {
			t.Fatal(err)
		}
		_ = connection.Close()
	}
	if asked != 2 {
		t.Errorf("asked %d times through it", asked)
	}
}

// Where the host itself has tried, and nobody took the connection, that is the answer: somebody else who has the address here is not asked.
func TestRefusalOfTheHostIsTheAnswer(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", own+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	refused, lost, forbidden := errors.New("connection refused"), fmt.Errorf("no answer: %w", secureshell.ErrUnreachable), fmt.Errorf("no tunnels: %w", secureshell.ErrForbidden)
	for name, c := range map[string]struct {
		bastion bool
		tunnel  error
		network bool
	}{
		"refused, behind a bastion":   {true, refused, false},
		"lost, behind a bastion":      {true, lost, false},
		"forbidden, behind a bastion": {true, forbidden, true},
		"refused":                     {false, refused, false},
		"lost":                        {false, lost, true},
		"forbidden":                   {false, forbidden, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, definition(), func(name string) fake { return fake{name: name} })
			m.remember("a", true)
			machine := fake{name: "a", dial: func(string) (net.Conn, error) { return nil, c.tunnel }}
			connection, err := m.dialEither(t.Context(), "a", machine, listener.Addr().String(), c.bastion)
			if err == nil {
				_ = connection.Close()
			} else if !errors.Is(err, c.tunnel) {
				t.Errorf("it says %v", err)
			}
			if network := err == nil; network != c.network {
				t.Errorf("over the network: %v", network)
			}
		})
	}
}

// The way that leads to a host is remembered, and looked for again when it does not any more.
func TestDial(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", own+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	closed := component.RefusingAt(t, own)
	through, broken := 0, false
	d := definition()
	h := d.Hosts["a"]
	h.SSH.Address = own
	d.Hosts["a"] = h
	m := open(t, d, func(name string) fake {
		return fake{name: name, dial: func(string) (net.Conn, error) {
			if through++; broken {
				return nil, fmt.Errorf("no tunnel: %w", secureshell.ErrUnreachable)
			}
			return (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
		}}
	})
	dial := func(address string) error {
		t.Helper()
		connection, err := m.Dial(t.Context(), service.Instance{Name: "blue/a/0", Address: "10.0.0.11:8001"}, address)
		if err == nil {
			_ = connection.Close()
		}
		return err
	}
	for n, step := range []struct {
		address string
		broken  bool
		fails   bool
		through int
	}{
		{listener.Addr().String(), false, false, 0}, // the network leads there
		{closed, false, false, 1},                   // it does not: through the tunnel
		{listener.Addr().String(), false, false, 2}, // which is remembered
		{listener.Addr().String(), true, false, 3},  // it does not lead there any more: the network does
		{listener.Addr().String(), true, false, 3},  // which is remembered
		{closed, true, true, 4},                     // neither
	} {
		broken = step.broken
		err := dial(step.address)
		if err != nil != step.fails || through != step.through {
			t.Fatalf("step %d: %v, %d times through the tunnel", n, err, through)
		}
		if step.fails && (!strings.Contains(err.Error(), "no tunnel") || !strings.Contains(err.Error(), "refused")) {
			t.Errorf("step %d: of the two ways it says %v", n, err)
		}
	}
}
