package secureshell

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// dial connects and logs in once, through its bastions, which have connect timeouts of their own. Where the nearest of them turns out to have
// been lost, that nobody had noticed is no error of this machine: it is logged in to again, and then there is a second try, with a whole
// connect timeout again.
func (l *link) dial(ctx context.Context) (*client, error) {
	if depth := l.bastions(); depth > maxBastions {
		return nil, notReached("log in to %s: it is behind %d bastions, and at most %d are followed", l, depth, maxBastions)
	}
	for again := false; ; again = true {
		var bastion *client
		if l.via != nil {
			var err error
			if bastion, err = l.via.connect(ctx); err != nil {
				return nil, notReached("log in to %s through its bastion: %w", l, err)
			}
		}
		c, lost, err := l.login(ctx, bastion)
		if !lost || again {
			return c, err
		}
		l.via.leave(bastion)
	}
}

// login is one try, within the machine's connect timeout; bastion is nil where there is none. lost tells that bastion was, before that was over
// and there was a connection.
func (l *link) login(ctx context.Context, bastion *client) (c *client, lost bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout())
	defer cancel()
	expected, err := l.expected()
	if err != nil {
		return nil, false, notReached("log in to %s: %w", l, err)
	}
	identity, err := l.identity(ctx)
	if err != nil {
		return nil, false, notReached("log in to %s: %w", l, err)
	}
	defer identity.close()
	connection, err := l.open(ctx, bastion)
	if err != nil {
		return nil, bastion != nil && bastion.gone() && ctx.Err() == nil, err
	}
	c, err = l.handshake(ctx, connection, expected, identity)
	return c, false, err
}

func (l *link) bastions() int {
	depth := 0
	for via := l.via; via != nil; via = via.via {
		depth++
	}
	return depth
}

// open connects to the machine's sshd, through bastion where there is one.
func (l *link) open(ctx context.Context, bastion *client) (net.Conn, error) {
	if bastion != nil {
		connection, err := bastion.dial(ctx, "tcp", l.address())
		if err != nil {
			return nil, notReached("log in to %s through its bastion: %w", l, err)
		}
		return connection, nil
	}
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", l.address())
	if err != nil {
		return nil, notReached("connect to %s: %w", l, l.ended(ctx, err))
	}
	return connection, nil
}

// handshake verifies the machine and logs in over connection, which it closes on an error.
func (l *link) handshake(ctx context.Context, connection net.Conn, expected *expected, identity *identity) (*client, error) {
	watched := watch(connection)
	stop := context.AfterFunc(ctx, func() { _ = watched.Close() })
	// The library repeats an error of this callback in words of its own.
	var refused *HostKeyError
	verified := false
	config := &ssh.ClientConfig{
		User:              l.definition.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(identity.signers...)},
		HostKeyAlgorithms: expected.algorithms(),
		HostKeyCallback: func(_ string, remote net.Addr, key ssh.PublicKey) error {
			if refused = expected.verify(remote, key); refused != nil {
				return refused
			}
			verified = true
			return nil
		},
	}
	connected, channels, requests, err := ssh.NewClientConn(watched, l.address(), config)
	if err == nil && !stop() {
		_ = connected.Close()
		err = ctx.Err()
	}
	switch {
	case err == nil:
		return l.serve(ssh.NewClient(connected, channels, requests), watched), nil
	case refused != nil:
		return nil, refused
	case verified && strings.Contains(err.Error(), "Too many authentication failures"):
		return nil, notReached("log in to %s: it took no more tries after some of %s (MaxAuthTries): give the agent fewer keys, or set certificate or private_key", l, identity)
	case verified && strings.Contains(err.Error(), "unable to authenticate"):
		return nil, notReached("log in to %s: it does not accept %s: see that it is allowed for %s there (~%s/.ssh/authorized_keys, or TrustedUserCAKeys for a certificate), and sshd's log",
			l, identity, l.definition.User, l.definition.User)
	default:
		return nil, notReached("log in to %s: %w", l, l.ended(ctx, err))
	}
}

// ended says what err is where it is that the time was over.
func (l *link) ended(ctx context.Context, err error) error {
	switch {
	case l.connections.ctx.Err() != nil:
		return errClosed
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s (connect_timeout): %w", l.timeout().Round(time.Millisecond), context.DeadlineExceeded)
	}
	return err
}
