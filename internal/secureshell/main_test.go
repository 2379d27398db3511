//go:build linux

package secureshell_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const patience = 60 * time.Second

// bounded is a context that ends before the tests give up.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// connections are closed with the test.
func connections(t *testing.T, credentials secureshell.Credentials, options secureshell.Options) *secureshell.Connections {
	t.Helper()
	c := secureshell.New(credentials, options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// machine is that of a server, by its usual key.
func machine(t *testing.T, s *sshtest.Server) *secureshell.Machine {
	t.Helper()
	return connections(t, s.Credentials(), secureshell.Options{}).Machine(s.SSH())
}

// says runs a script that must succeed.
func says(t *testing.T, m *secureshell.Machine, script string, stdin io.Reader) string {
	t.Helper()
	out, err := m.Run(bounded(t), script, stdin)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// refused runs a script on the machine of s, which must fail as unreachable, with these words.
func refused(t *testing.T, c *secureshell.Connections, s service.SSH, words ...string) {
	t.Helper()
	_ = refusal(t, c, s, words...)
}

// refusal is the error of refused.
func refusal(t *testing.T, c *secureshell.Connections, s service.SSH, words ...string) error {
	t.Helper()
	_, err := c.Machine(s).Run(bounded(t), "true", nil)
	if !errors.Is(err, secureshell.ErrUnreachable) {
		t.Fatalf("%v is no ErrUnreachable", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
	return err
}

// lingers is a script that goes on until the test is over, wherever it was left.
func lingers(s *sshtest.Server) string {
	return "while test -d " + s.Directory + "; do sleep 0.1; done"
}

// listen has a listener that answers each connection by serve.
func listen(t *testing.T, network, address string, serve func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), network, address)
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
			go func() {
				defer func() { _ = connection.Close() }()
				serve(connection)
			}()
		}
	}()
	return listener
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }
