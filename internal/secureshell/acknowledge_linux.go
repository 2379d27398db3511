package secureshell

import (
	"net"

	"golang.org/x/sys/unix"
)

// acknowledger returns what has the kernel acknowledge at once what came over a connection; nil where it is none of TCP.
//
// sshd sends a small packet only when those before are acknowledged (Nagle's algorithm), unless a command was run over the connection, and the
// kernel acknowledges up to 40 ms later, to save packets. Each answer that comes through a forwarded connection would take that much longer. The kernel
// forgets to hurry by and by, so it is told each time.
func acknowledger(connection net.Conn) func() {
	tcp, ok := connection.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return func() {
		// What fails here fails soon enough where it matters.
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
}
