package haproxy

import (
	"net"
	"net/netip"
	"strings"
)

const loopback = "127.0.0.1"

// At tells whether a server is at address, host:port: by the name that the configuration has, or by what it was resolved to. No name is
// resolved for it, except localhost.
func (s Server) At(address string) bool {
	if s.HostPort() != "" && SameAddress(s.HostPort(), address) {
		return true
	}
	return s.FQDN != "" && SameAddress(s.Place(), address)
}

// Place is where a server is, for people: by its name where it has one.
func (s Server) Place() string {
	switch {
	case s.FQDN != "":
		return net.JoinHostPort(s.FQDN, s.port())
	case s.Address == "":
		return "no address"
	}
	return s.HostPort()
}

// SameAddress tells whether two addresses, host:port, reach the same place, however they are written.
func SameAddress(a, b string) bool { return normal(a) == normal(b) }

// normal writes addresses that reach the same place alike. What is no host:port stays as it is.
func normal(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return net.JoinHostPort(NormalHost(host), port)
}

// NormalHost writes a host in one way: an IP address in its shortest form, a name in small letters without the dot at its end, and localhost as
// the address that it is.
func NormalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" {
		return loopback
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return host
}
