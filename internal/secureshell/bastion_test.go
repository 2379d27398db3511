//go:build linux

package secureshell

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
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

// The second try has a connect timeout of its own, and not what the first one has left of it.
func TestSecondTryHasATimeOfItsOwn(t *testing.T) {
	server := sshtest.Start(t)
	synctest.Test(t, func(t *testing.T) {
		s, through := server.SSH(), server.SSH()
		s.Bastion, s.ConnectTimeout = &through, service.Duration(10*time.Second)
		c := New(server.Credentials(), Options{})
		l := c.link(s)
		stuck := make(chan struct{})
		bastion := func() *client {
			here, other := net.Pipe()
			_ = other.Close()
			return &client{
				link: l.via, shell: &ssh.Client{Conn: stuckConn{ended: stuck}}, wire: &watchedConn{Conn: here, begun: time.Now()}, lost: make(chan struct{}),
			}
		}
		first, second := bastion(), bastion()
		l.via.client = first
		time.AfterFunc(9*time.Second, func() {
			l.via.mu.Lock()
			l.via.client = second
			l.via.mu.Unlock()
			first.end(errCutOff)
		})
		begun := time.Now()
		_, err := l.dial(t.Context())
		if took := time.Since(begun); took != 19*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", took, err)
		}
		close(stuck)
		_ = c.Close()
	})
}

// stuckConn is a connection over which nothing is opened until it has ended.
type stuckConn struct {
	ssh.Conn
	ended chan struct{}
}

func (s stuckConn) OpenChannel(string, []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	<-s.ended
	return nil, nil, io.EOF
}
