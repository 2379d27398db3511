//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

// standInArgument makes this program a stand-in for the instances of services.
const standInArgument = "stand-in"

// ownSession makes a child the leader of a session, as a supervisor is.
var ownSession = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}

// standIn listens on the ports from the first argument up to the second, says so, and waits to be killed.
func standIn(ctx context.Context, arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("a stand-in takes two ports, not %q", arguments)
	}
	from, err := strconv.Atoi(arguments[0])
	if err != nil {
		return fmt.Errorf("read a port: %w", err)
	}
	to, err := strconv.Atoi(arguments[1])
	if err != nil {
		return fmt.Errorf("read a port: %w", err)
	}
	for port := from; port < to; port++ {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		defer func() { _ = listener.Close() }()
	}
	if _, err := os.Stdout.WriteString("."); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
