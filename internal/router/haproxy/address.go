package haproxy

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

const loopback = "127.0.0.1"

// normal writes addresses that reach the same place alike. What is no host:port stays as it is.
func normal(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return net.JoinHostPort(normalHost(host), port)
}

func normalHost(host string) string {
	host = strings.ToLower(host)
	if host == "localhost" {
		return loopback
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return host
}

func sameAddress(a, b string) bool { return normal(a) == normal(b) }

// isAt tells whether a server is at address, by the name that the configuration has or by what it was resolved to.
func isAt(s api.Server, address string) bool {
	if s.HostPort() != "" && sameAddress(s.HostPort(), address) {
		return true
	}
	host, port, err := net.SplitHostPort(address)
	return err == nil && s.FQDN != "" && port == portOf(s) && strings.EqualFold(s.FQDN, host)
}

func portOf(s api.Server) string { return strconv.Itoa(s.Port) }

// placeOf is where a server is, for people.
func placeOf(s api.Server) string {
	if s.FQDN != "" {
		return net.JoinHostPort(s.FQDN, portOf(s))
	}
	if s.Address == "" {
		return "no address"
	}
	return s.HostPort()
}
