//go:build linux

package secureshell

import (
	"net"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
)

// A bastion whose connection was lost, and nobody had noticed, is logged in to again by the call that finds it so.
func TestBastionThatWasLost(t *testing.T) {
	server, bastion := sshtest.Start(t), sshtest.Start(t)
	s, through := server.SSH(), bastion.SSH()
	through.PrivateKey, s.Bastion = "bastion", &through
	c := New(sshtest.Credentials{sshtest.KeyName: server.Key, "bastion": bastion.Key}, Options{})
	t.Cleanup(func() { _ = c.Close() })
	l := c.link(s)
	there, err := l.via.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	here, other := net.Pipe()
	defer func() { _ = other.Close() }()
	unnoticed := &client{
		link: l.via, shell: there.shell, wire: &watchedConn{Conn: here, begun: time.Now()}, slots: make(chan struct{}, 1), lost: make(chan struct{}),
	}
	l.via.mu.Lock()
	l.via.client = unnoticed
	l.via.mu.Unlock()
	there.end(errCutOff)
	_ = there.shell.Wait()
	if out, err := c.Machine(s).Run(t.Context(), "echo there", nil); err != nil || string(out) != "there\n" {
		t.Errorf("%q, %v", out, err)
	}
}
