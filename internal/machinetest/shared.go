package machinetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
)

// shared are the machines of this process that tests use together.
var shared struct {
	sync.Mutex
	hosts []*Host
}

// Shared are n machines that all tests of this process use, one after the other or together, booted by the first that asks, and
// more of them when one asks for more. They are on, with sshd, and User may use sudo as with Sudo. Tests keep apart by the names
// of services and by ports. Main ends them.
func Shared(t testing.TB, n int) []*Host {
	t.Helper()
	o := settings(t, []Option{Sudo()})
	shared.Lock()
	defer shared.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, h := range shared.hosts {
		// A test that failed may have left one off.
		if err := h.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if have := len(shared.hosts); have < n {
		started, err := nspawn.Start(ctx, o, names(n)[have:]...)
		if err != nil {
			t.Fatal(err)
		}
		shared.hosts = append(shared.hosts, wrap(started)...)
	}
	hosts := append([]*Host(nil), shared.hosts[:n]...)
	for _, h := range hosts {
		t.Cleanup(func() { logOnFailure(t, h) })
	}
	return hosts
}

// Main is for the TestMain of a package that uses Shared: os.Exit(machinetest.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	for _, h := range shared.hosts {
		if err := h.End(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	shared.hosts = nil
	return code
}
