package caddy

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const loopback = "127.0.0.1"

// normal writes addresses that reach the same place alike: Caddy's "tcp/" is left out, localhost and an empty host are
// 127.0.0.1. What is no host:port stays as it is.
func normal(address string) string {
	if network, rest, ok := strings.Cut(address, "/"); ok && strings.HasPrefix(network, "tcp") {
		address = rest
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	host = strings.ToLower(host)
	if host == "" || host == "localhost" {
		host = loopback
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return net.JoinHostPort(host, port)
}

// sameAddresses tells whether both lists name the same places, in whatever order, each as often.
func sameAddresses(a, b []string) bool {
	return slices.Equal(normalized(a), normalized(b))
}

func normalized(addresses []string) []string {
	out := make([]string, len(addresses))
	for i, address := range addresses {
		out[i] = normal(address)
	}
	slices.Sort(out)
	return out
}

func addressesOf(p service.Placement) []string {
	out := make([]string, len(p.Instances))
	for i, instance := range p.Instances {
		out[i] = instance.Address
	}
	return out
}
