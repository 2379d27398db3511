package machines_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A restart is counted also while the journal hangs, and when it has dropped what it knew of the ones before.
func TestRestartsWithoutTheJournal(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 1)
	provide(t, all)
	g := newGround(t, asRoot, all, 1)
	h, unit := all[0], g.unit("blue", 0)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	crash := func() {
		t.Helper()
		pid := h.Run(t, "systemctl show --value -p MainPID "+unit)
		h.Run(t, "kill -KILL "+pid)
		g.eventually(func() error {
			if now := strings.TrimSpace(h.Run(t, "systemctl show --value -p MainPID "+unit)); now == "0" || now == strings.TrimSpace(pid) {
				return fmt.Errorf("it was not started again yet: process %s", now)
			}
			return nil
		})
	}
	restarted := func(times int) {
		t.Helper()
		if s := g.states(r)[0]; !s.Running || s.Restarts != times || s.Detail == "" {
			t.Errorf("after %d restarts: %+v", times, s)
		}
	}
	journald := strings.TrimSpace(h.Run(t, "systemctl show --value -p MainPID systemd-journald.service"))
	t.Cleanup(func() { h.Run(t, "kill -CONT "+journald) })
	h.Run(t, "journalctl --sync; kill -STOP "+journald)
	crash()
	restarted(1)
	h.Run(t, "kill -CONT "+journald)
	restarted(1)
	// What it knew goes with the files that it has ended.
	h.Run(t, "journalctl --sync; journalctl --rotate; journalctl -q --vacuum-time=1us")
	crash()
	restarted(2)
	if left := h.Run(t, "journalctl --sync; journalctl -q -o cat -u "+unit+" MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5 | wc -l"); strings.TrimSpace(left) != "1" {
		t.Errorf("the journal knows of %s starts", left)
	}
}

// systemd counts a restart twice where it reads its units anew while it has it in its queue, as it does when another instance is started. The journal
// knows better.
func TestRestartThatIsCountedTwice(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]kind{"System": asRoot, "User": usersOwn} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, k, hosts(t, 1), 1)
			h, unit, slow := g.hosts[0], g.unit("blue", 0), "slow-"+g.id.Name()+".service"
			manager, directory, gone := "systemctl ", "/etc/systemd/system/", "/run/"+g.id.Name()
			if k.systemd.Scope == service.ScopeUser {
				manager, directory, gone = "runuser -u "+k.user+" -- env XDG_RUNTIME_DIR=/run/user/$(id -u "+k.user+") systemctl --user ", "/etc/systemd/user/", "/tmp/"+g.id.Name()
			}
			// A restart waits for what it is to be there before, and that is still being stopped.
			h.WriteFile(t, directory+slow, "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=/bin/sh -c 'until [ -e "+gone+" ]; do sleep 0.1; done'\n", 0o644)
			t.Cleanup(func() { h.Run(t, "touch "+gone+"; "+manager+"stop "+slow+"; rm "+directory+slow+" "+gone) })
			g.definition.Systemd.DropIns = map[string]string{"10-slow.conf": "[Unit]\nBefore=" + slow + "\n"}
			g.open()
			r := g.placed(g.release("1.0.0"), "blue")
			g.started(r, nil)
			// Other tests have it read its units anew as well.
			counts := func(least int) {
				t.Helper()
				g.eventually(func() error {
					counted, err := strconv.Atoi(strings.TrimSpace(h.Run(t, manager+"show --value -p NRestarts "+unit)))
					if err == nil && counted < least {
						err = fmt.Errorf("systemd has counted %d restarts, not %d", counted, least)
					}
					return err
				})
			}
			h.Run(t, manager+"start "+slow+" && "+manager+"stop --no-block "+slow+" && "+manager+"kill -s KILL "+unit)
			counts(1)
			h.Run(t, manager+"daemon-reload")
			counts(2)
			h.Run(t, "touch "+gone)
			g.answers(r)
			if s := g.states(r)[0]; !s.Running || s.Restarts != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}
