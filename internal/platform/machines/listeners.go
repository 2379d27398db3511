package machines

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The kernel lists sockets in /proc/net/tcp and tcp6: addresses in hexadecimal, in words of the machine's byte order.

// anyAddress are those of sockets that listen on all of them.
var anyAddress = "0{8}|0{32}|0{16}(0000FFFF|FFFF0000)0{8}"

// loopbackPattern finds lines of sockets that listen on a loopback address.
const loopbackPattern = `^ *[0-9]+: ([0-9A-F]{6}7F|7F[0-9A-F]{6}|0{24}(01000000|00000001)|0{16}(0000FFFF|FFFF0000)([0-9A-F]{6}7F|7F[0-9A-F]{6})):`

// listenPattern finds the lines of sockets that accept connections to an address, whatever the port: an address of the loopback is that
// one or any; another one may be translated on its way, so all that are not of the loopback are its.
func listenPattern(address string) string {
	at := "[0-9A-F]+"
	if ip, err := netip.ParseAddr(address); err == nil && ip.IsLoopback() {
		at = strings.Join(append(kernelAddress(ip), anyAddress), "|")
	}
	return `^ *[0-9]+: (` + at + `):`
}

// kernelAddress is how the kernel writes an address, in both byte orders.
func kernelAddress(ip netip.Addr) []string {
	forms := []netip.Addr{ip}
	if ip.Is4() {
		forms = append(forms, netip.AddrFrom16(ip.As16()))
	}
	var all []string
	for _, form := range forms {
		big := form.AsSlice()
		little := slices.Clone(big)
		for word := range slices.Chunk(little, 4) {
			slices.Reverse(word)
		}
		all = append(all, strings.ToUpper(hex.EncodeToString(little)), strings.ToUpper(hex.EncodeToString(big)))
	}
	return all
}

// listening finds the lines of sockets that listen where the part's instances do.
func (p part) listening() string {
	ports := make([]string, len(p.instances))
	for n, i := range p.instances {
		ports[n] = portPattern(i.port)
	}
	return listenPattern(p.address) + "(" + strings.Join(ports, "|") + ")" + listensPattern
}

func portPattern(port int) string { return fmt.Sprintf("%04X", port) }

// listenersFunction is a function of shell. The kernel lists those that listen before all others, of which there may be many thousands:
// at the first of them it ends. Where there is none, it walks through the whole of its table, so the list of IPv6 is not read while the kernel
// counts no socket of it.
const listenersFunction = `listeners() {
	lists=/proc/net/tcp6
	{ read -r one two count rest </proc/net/sockstat6; } 2>/dev/null && [ "$one $two $count" = "TCP6: inuse 0" ] && lists=
	for one in /proc/net/tcp $lists; do
		sed -nE -e 1d -e '/^ *[0-9]+: [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ 0[A3] /!q' -e "/$1/p" "$one" 2>/dev/null
	done
}
`

// listensPattern is the rest of a line, behind the port, of a socket that listens.
const listensPattern = ` [0-9A-F]+:0000 0A `

// socket that listens.
type socket struct {
	port  int
	user  string
	inode string
	line  string
}

// readSockets reads lines of /proc/net/tcp.
func readSockets(lines []string) []socket {
	var all []socket
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 10 {
			continue
		}
		_, text, _ := strings.Cut(fields[1], ":")
		port, err := strconv.ParseUint(text, 16, 16)
		if err != nil {
			continue
		}
		all = append(all, socket{port: int(port), user: fields[7], inode: fields[9], line: line})
	}
	return all
}

// accepts tells whether the socket takes connections to the address.
func (s socket) accepts(address string) bool {
	if !regexp.MustCompile(listenPattern(address)).MatchString(s.line) {
		return false
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.IsLoopback() || !regexp.MustCompile(loopbackPattern).MatchString(s.line) || address == "localhost"
}
