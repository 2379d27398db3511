package acceptance_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
)

// Terraform in a network of its own, from which there is a way to some addresses of this one and to nothing else: sockets in the file system,
// which each network has an end of.

const (
	// asApart is the argument by which this program runs a command there.
	asApart = "run-apart"
	// waysVariable has the ways, ADDRESS=SOCKET, separated by spaces.
	waysVariable = "TEST_WAYS"
)

// reachOnly has the rig's Terraform reach the sshds of these machines, and nothing else.
func (r *rig) reachOnly(machines []*machinetest.Host) {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	directory, err := os.MkdirTemp("", "apart") // a short path
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = os.RemoveAll(directory) })
	var ways []string
	for _, m := range machines {
		address, socket := net.JoinHostPort(m.Address, strconv.Itoa(m.Port)), filepath.Join(directory, m.Name)
		stop, err := forward("unix", socket, "tcp", address)
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(stop)
		ways = append(ways, address+"="+socket)
	}
	r.wrap = func(cmd *exec.Cmd) {
		cmd.Args = append([]string{self, asApart, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = self
		cmd.Env = append(cmd.Env, waysVariable+"="+strings.Join(ways, " "))
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	}
}

// apart runs a command in the network that this process is in, which is new, and returns its exit code.
func apart(command []string) int {
	if err := loopback(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, way := range strings.Fields(os.Getenv(waysVariable)) {
		address, socket, _ := strings.Cut(way, "=")
		if _, err := forward("tcp", address, "unix", socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the rig's; a signal to the group reaches it as well
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// loopback brings up the loopback of this process's network.
func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(s) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// forward carries connections to the listening end over to the other one.
func forward(network, listening, to, address string) (stop func(), err error) {
	listener, err := net.Listen(network, listening) //nolint:noctx // until it is stopped
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = from.Close() }()
				other, err := net.Dial(to, address) //nolint:noctx // until one of both ends
				if err != nil {
					return
				}
				defer func() { _ = other.Close() }()
				go func() {
					_, _ = io.Copy(other, from)
					_ = other.Close()
				}()
				_, _ = io.Copy(from, other)
			}()
		}
	}()
	return func() { _ = listener.Close() }, nil
}
