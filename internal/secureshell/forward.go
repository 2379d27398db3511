package secureshell

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// directTCP is what RFC 4254, 7.2 sends with a channel of type direct-tcpip.
type directTCP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// directSocket is what OpenSSH's PROTOCOL, 2.4 sends with a channel of type direct-streamlocal@openssh.com.
type directSocket struct {
	Path     string
	Reserved string
	Unused   uint32
}

// dial opens a connection from the machine.
func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	what := fmt.Sprintf("connect to %s from %s", address, c.link)
	var kind string
	var payload []byte
	switch network {
	case "tcp":
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no port", what, port)
		}
		kind, payload = "direct-tcpip", ssh.Marshal(directTCP{Host: host, Port: uint32(number), OriginHost: "127.0.0.1"})
	case "unix":
		kind, payload = "direct-streamlocal@openssh.com", ssh.Marshal(directSocket{Path: address})
	default:
		return nil, fmt.Errorf("%s: network %q is neither tcp nor unix", what, network)
	}
	c.used(1)
	channel, err := opened(ctx, c, what, func() (ssh.Channel, error) {
		channel, requests, err := c.shell.OpenChannel(kind, payload)
		if err == nil {
			go ssh.DiscardRequests(requests)
		}
		return channel, err
	}, func(channel ssh.Channel) { _ = channel.Close() })
	if err != nil {
		c.used(-1)
		return nil, refusedForward(err, what, network)
	}
	return newConn(channel, c, network, address), nil
}

// refusedForward says what a machine that opens no connection means.
func refusedForward(err error, what, network string) error {
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return err
	}
	forbidden := refused.Reason == ssh.Prohibited || refused.Reason == ssh.UnknownChannelType
	switch {
	case forbidden && network == "tcp":
		return &marked{ErrForbidden, fmt.Errorf("%s: its sshd forbids it: AllowTcpForwarding must be yes or local, PermitOpen must allow the address, and the key must not be restricted (%w)", what, err)}
	case forbidden:
		return fmt.Errorf("%s: its sshd forbids it: AllowStreamLocalForwarding must be yes or local, and the key must not be restricted (%w)", what, err)
	case network == "unix":
		// sshd gives the same answer for all of these.
		return fmt.Errorf("%s: does the socket exist, does something listen there, may the user open it, and does sshd allow it (AllowStreamLocalForwarding yes or local)? (%w)", what, err)
	}
	return fmt.Errorf("%s: does something listen there? (%w)", what, err)
}
