package process

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Listener is a socket that accepts TCP connections.
type Listener struct {
	Address netip.AddrPort
	// Inode identifies the socket among those that processes hold.
	Inode uint64
	// User is the id of the user that made it.
	User int
}

// stateListen is the state of a listening socket in /proc/net/tcp.
const stateListen = "0A"

// Listeners lists the sockets that accept connections to the port at address. An invalid address stands for any.
func Listeners(address netip.Addr, port int) ([]Listener, error) {
	var found []Listener
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		all, err := readTable(table)
		if errors.Is(err, fs.ErrNotExist) {
			continue // A machine without IPv6.
		}
		if err != nil {
			return nil, fmt.Errorf("read who listens on port %d: %w", port, err)
		}
		for _, l := range all {
			if int(l.Address.Port()) == port && accepts(l.Address.Addr(), address) {
				found = append(found, l)
			}
		}
	}
	return found, nil
}

// accepts tells whether a socket bound to bound gets the connections to address.
func accepts(bound, address netip.Addr) bool {
	if !address.IsValid() || bound.IsUnspecified() {
		return true
	}
	return bound.Unmap() == address.Unmap()
}

func readTable(path string) ([]Listener, error) {
	f, err := os.Open(path) //nolint:gosec // one of two names
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return parseTable(f)
}

func parseTable(r io.Reader) ([]Listener, error) {
	var found []Listener
	lines := bufio.NewScanner(r)
	lines.Scan() // The heading.
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != stateListen {
			continue
		}
		address, err := parseAddress(fields[1])
		if err != nil {
			return nil, err
		}
		user, err := strconv.Atoi(fields[7])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errForm, err)
		}
		inode, err := strconv.ParseUint(fields[9], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errForm, err)
		}
		found = append(found, Listener{Address: address, Inode: inode, User: user})
	}
	return found, lines.Err()
}

// parseAddress reads "0100007F:1F90": words of 32 bits, printed as the machine's own numbers.
func parseAddress(s string) (netip.AddrPort, error) {
	host, port, found := strings.Cut(s, ":")
	words, err := hex.DecodeString(host)
	if !found || err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", s, errForm)
	}
	for i := 0; i+4 <= len(words); i += 4 {
		binary.NativeEndian.PutUint32(words[i:], binary.BigEndian.Uint32(words[i:]))
	}
	address, ok := netip.AddrFromSlice(words)
	number, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", s, errForm)
	}
	return netip.AddrPortFrom(address, uint16(number)), nil
}

// Sockets lists the inodes of the sockets that a process holds. fs.ErrPermission where we may not see them.
func Sockets(pid int) (map[uint64]bool, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	names, err := readNames(dir)
	if err != nil {
		return nil, fmt.Errorf("read what process %d has open: %w", pid, gone(err))
	}
	held := map[uint64]bool{}
	for _, name := range names {
		target, err := os.Readlink(filepath.Join(dir, name))
		if err != nil {
			continue // Closed meanwhile.
		}
		if number, found := strings.CutPrefix(target, "socket:["); found {
			if inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64); err == nil {
				held[inode] = true
			}
		}
	}
	return held, nil
}

// Holder finds a process that holds the socket; found is false where we may not see it.
func Holder(inode uint64) (holder Info, found bool) {
	all, err := List()
	if err != nil {
		return Info{}, false
	}
	for _, i := range all {
		if held, err := Sockets(i.PID); err == nil && held[inode] {
			return i, true
		}
	}
	return Info{}, false
}
