package haproxytest

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Backend is a backend of a configuration.
type Backend struct {
	// Name, "web" where it is empty; Balance, "roundrobin" where it is.
	Name, Balance string
	Servers       []Line
	// Options are keywords of each server, such as "check inter 100ms".
	Options string
	// StateFile: servers' state is read from the file s.StateFile when HAProxy starts.
	StateFile bool
	// More lines of the backend.
	More []string
}

// Line is a server of a backend.
type Line struct {
	Name, Address string
	Weight        int
	// Options are more keywords of this server.
	Options string
}

// Slot is the servers of a slot, as a configuration names them: blue where there is one, else blue-0, blue-1…, each with this weight.
func Slot(name string, weight int, addresses ...string) []Line {
	var lines []Line
	for i, address := range addresses {
		server := name
		if len(addresses) > 1 {
			server = fmt.Sprintf("%s-%d", name, i)
		}
		lines = append(lines, Line{Name: server, Address: address, Weight: weight})
	}
	return lines
}

// Split is a whole configuration: Global, a frontend that answers at s.URL, and its backend, which is the first, beside the others.
func Split(s *Server, backends ...Backend) string {
	var text strings.Builder
	text.WriteString(s.Global())
	for _, b := range backends {
		if b.StateFile {
			// In global, which may be written in several parts.
			fmt.Fprintf(&text, "global\n  server-state-file %s\n", s.StateFile)
			break
		}
	}
	text.WriteString(Defaults)
	text.WriteString(s.Frontend(backends[0].name()))
	for _, b := range backends {
		text.WriteString(b.String())
	}
	return text.String()
}

// Global is the section global of a configuration, with the stats sockets.
func (s *Server) Global() string {
	return fmt.Sprintf("global\n  node %s\n  stats socket %s mode 600 level admin expose-fd listeners\n  stats socket ipv4@%s level admin\n"+
		"  stats socket %s mode 600 level user\n  hard-stop-after 20s\n", s.Node, s.Socket, s.Address, s.UserSocket)
}

// Defaults is a section defaults with short timeouts.
const Defaults = `defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 10s
  timeout queue 5s
  default-server init-addr last,libc,none
`

// Frontend is one that answers at s.URL by the backend.
func (s *Server) Frontend(backend string) string {
	return fmt.Sprintf("frontend public\n  bind %s\n  default_backend %s\n", s.listen, backend)
}

func (b Backend) name() string {
	if b.Name == "" {
		return "web"
	}
	return b.Name
}

// String is the section.
func (b Backend) String() string {
	var text strings.Builder
	balance := b.Balance
	if balance == "" {
		balance = "roundrobin"
	}
	fmt.Fprintf(&text, "backend %s\n  balance %s\n", b.name(), balance)
	if b.StateFile {
		text.WriteString("  load-server-state-from-file global\n")
	}
	for _, line := range b.More {
		fmt.Fprintf(&text, "  %s\n", line)
	}
	for _, s := range b.Servers {
		fmt.Fprintf(&text, "  server %s %s weight %d %s %s\n", s.Name, s.Address, s.Weight, b.Options, s.Options)
	}
	return text.String()
}

func (s *Server) path(name string) string { return filepath.Join(s.directory, name) }
