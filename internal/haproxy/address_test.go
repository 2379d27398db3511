package haproxy

import "testing"

func TestAt(t *testing.T) {
	server := func(address string, port int, name string) Server {
		return Server{Address: address, Port: port, FQDN: name}
	}
	for name, c := range map[string]struct {
		server  Server
		address string
		want    bool
	}{
		"the same":             {server("10.0.0.1", 80, ""), "10.0.0.1:80", true},
		"another port":         {server("10.0.0.1", 80, ""), "10.0.0.1:81", false},
		"another host":         {server("10.0.0.1", 80, ""), "10.0.0.2:80", false},
		"IPv6 written longer":  {server("::1", 80, ""), "[0:0:0:0:0:0:0:1]:80", true},
		"IPv4 in IPv6":         {server("127.0.0.1", 80, ""), "[::ffff:127.0.0.1]:80", true},
		"localhost":            {server("127.0.0.1", 80, ""), "LocalHost:80", true},
		"localhost by name":    {server("127.0.0.1", 80, "localhost"), "127.0.0.1:80", true},
		"by its name":          {server("10.0.0.1", 80, "Web.internal"), "web.internal.:80", true},
		"by what it is now":    {server("10.0.0.1", 80, "web.internal"), "10.0.0.1:80", true},
		"not resolved":         {server("", 80, "web.internal"), "web.internal:80", true},
		"a name, another port": {server("10.0.0.1", 80, "web.internal"), "web.internal:81", false},
		"no address":           {server("", 0, ""), "", false},
		"no host:port":         {server("10.0.0.1", 80, ""), "10.0.0.1", false},
	} {
		if got := c.server.At(c.address); got != c.want {
			t.Errorf("%s: %s is at %q: %t, want %t", name, c.server.Place(), c.address, got, c.want)
		}
	}
}
