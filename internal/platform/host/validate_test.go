package host_test

import (
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func definition() service.HostPlatform {
	return service.HostPlatform{
		Directory: "/srv/web", Address: "127.0.0.1", DrainTimeout: service.Duration(time.Second), Log: service.HostLog{MaxSize: 1, MaxFiles: 2},
		Slots: map[string]service.HostSlot{"blue": {Ports: []int{8080, 8081}}, "green": {Ports: []int{9080, 9081}}},
	}
}

func TestValidate(t *testing.T) {
	slots := func(blue, green []int) func(*service.HostPlatform) {
		return func(d *service.HostPlatform) {
			d.Slots = map[string]service.HostSlot{"blue": {Ports: blue}, "green": {Ports: green}}
		}
	}
	cases := map[string]struct {
		change func(*service.HostPlatform)
		// where and what of the one problem; empty: none.
		where, what string
	}{
		"good":     {func(*service.HostPlatform) {}, "", ""},
		"one slot": {func(d *service.HostPlatform) { delete(d.Slots, "blue") }, "", ""},
		"IPv6":     {func(d *service.HostPlatform) { d.Address = "::1" }, "", ""},
		"no drain": {func(d *service.HostPlatform) { d.DrainTimeout = 0 }, "", ""},

		"relative directory": {func(d *service.HostPlatform) { d.Directory = "srv/web" }, "directory", "absolute"},
		"root directory":     {func(d *service.HostPlatform) { d.Directory = "//" }, "directory", "root"},
		"address with port":  {func(d *service.HostPlatform) { d.Address = "127.0.0.1:80" }, "address", "without a port"},
		"negative drain":     {func(d *service.HostPlatform) { d.DrainTimeout = -1 }, "drain_timeout", "below 0"},
		"log size":           {func(d *service.HostPlatform) { d.Log.MaxSize = 0 }, "log.max_size", "between 1"},
		"log files":          {func(d *service.HostPlatform) { d.Log.MaxFiles = 0 }, "log.max_files", "between 1"},
		"no slot":            {func(d *service.HostPlatform) { d.Slots = nil }, "slots", "blue"},
		"unknown slot":       {func(d *service.HostPlatform) { d.Slots["red"] = service.HostSlot{Ports: []int{1, 2}} }, "slots.red", "blue and green"},
		"no port":            {slots([]int{1}, nil), "slots.green.ports", "no port"},
		"port 0":             {slots([]int{1}, []int{0}), "slots.green.ports.0", "65535"},
		"port too high":      {slots([]int{65536}, []int{1}), "slots.blue.ports.0", "65535"},
		"port twice":         {slots([]int{1, 2}, []int{3, 1}), "slots.green.ports.1", "slot blue already"},
		"port twice, a slot": {slots([]int{1, 1}, []int{3, 4}), "slots.blue.ports.1", "slot blue already"},
		"numbers differ":     {slots([]int{1, 2}, []int{3}), "slots.green.ports", "same number"},
	}
	// Ledgers may have these from before.
	for name, c := range map[string]struct{ directory, address, where, what string }{
		"a slash at the end": {"/srv/web/", "127.0.0.1", "directory", `write "/srv/web": write that`},
		"dots":               {"/srv/../etc", "127.0.0.1", "directory", `"/etc"`},
		"all addresses":      {"/srv/web", "0.0.0.0", "address", "127.0.0.1"},
	} {
		d := definition()
		d.Directory, d.Address = c.directory, c.address
		problems := host.Validate(d)
		if _, err := host.New(d, "production/web", host.Options{}); err != nil || len(problems) != 1 || problems[0].Path[0] != c.where || !strings.Contains(problems[0].Detail, c.what) {
			t.Errorf("%s: got %v (%v), want %q at %s", name, problems, err, c.what, c.where)
		}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := definition()
			c.change(&d)
			problems := host.Validate(d)
			_, err := host.New(d, "production/web", host.Options{})
			if c.where == "" {
				if len(problems) > 0 || err != nil {
					t.Errorf("got %v, %v", problems, err)
				}
				return
			}
			if len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.where || !strings.Contains(problems[0].Detail, c.what) || err == nil {
				t.Errorf("got %v (%v), want %q at %s", problems, err, c.what, c.where)
			}
		})
	}
}
