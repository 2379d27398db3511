package machines_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// counted is a machine that counts what it is sent of artifacts, and has something happen when n bytes of one were.
type counted struct {
	machines.Machine
	sent   *atomic.Int64
	n      int64
	happen func(context.Context) error
}

func (c *counted) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	if stdin != nil && strings.Contains(script, "artifact.partial") {
		stdin = &counting{stdin, c, ctx}
	}
	return c.Machine.Run(ctx, script, stdin)
}

type counting struct {
	io.Reader
	*counted
	ctx context.Context
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.sent.Add(int64(n)) >= c.n && c.happen != nil {
		happen := c.happen
		c.happen = nil
		err = errors.Join(err, happen(c.ctx))
	}
	return n, err
}

// A machine whose sshd ends in the middle of an upload and stays away is given up. Nothing half is in place there, what runs goes on, here
// as on the others, and the next run goes on from what had arrived.
func TestSSHStopsDuringUpload(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	all := machinetest.Start(t, 2)
	provide(t, all)
	g := newGround(t, asRoot, all, 1)
	before := g.placed(g.release("1.0.0"), "blue")
	g.started(before, nil)

	noise := make([]byte, size)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	copy(noise, "#!/bin/sh\nexec "+instanceProgram+" "+asInstance+" \"$@\"\n")
	g.artifact(string(noise))
	var sent, others atomic.Int64
	counts := map[string]*counted{"a": {sent: &others}, "b": {sent: &sent, n: size / 2, happen: all[1].Host.StopSSH}}
	connect := g.connect
	g.connect = func(name string, s service.SSH) machines.Machine {
		counts[name].Machine = connect(name, s)
		return counts[name]
	}
	g.options.Patience = 2 * time.Second
	g.open()
	r := g.release("2.0.0")
	_, err := g.Place(t.Context(), r, "green")
	if err == nil {
		t.Fatal("placed on a machine that is not there")
	}
	t.Log(err)
	g.contains(err.Error(), "host b (root@"+all[1].Address, "nothing has arrived for 2s, after 1", "of 24.0 MiB were sent", "connection refused", "apply again")
	if strings.Contains(err.Error(), "host a") {
		t.Errorf("the other one is blamed: %v", err)
	}

	kept := g.definition.Directory + "/artifacts/" + strings.TrimPrefix(g.reference.Digest, "sha256:")
	files := g.definition.Directory + "/releases/" + r.ID.Label()
	arrived, err := strconv.ParseInt(strings.TrimSpace(all[1].Run(t, "stat -c %s "+kept+"/artifact.partial")), 10, 64)
	if err != nil || arrived < 1 || arrived >= size {
		t.Errorf("%d bytes have arrived: %v", arrived, err)
	}
	all[1].Run(t, fmt.Sprintf("[ ! -e %s ] && [ ! -e %s/artifact ]", files, kept))
	for _, h := range all {
		// Neither host runs another release than before, or is about to; what is there of the new one is whole.
		h.Run(t, fmt.Sprintf(`set -e; cd %s
systemctl is-active %s
! systemctl cat %s 2>/dev/null
[ "$(readlink current)" = releases/%s ]
[ ! -e %s ] || [ "$(sha256sum <%[5]s/web)" = "%s  -" ]
[ -z "$(find releases -name '.*')" ]`, g.definition.Directory, g.unit("blue", 0), g.unit("green", 0), before.ID.Label(), files, strings.TrimPrefix(g.reference.Digest, "sha256:")))
	}
	all[1].Run(t, "[ ! -e "+g.definition.Directory+"/records/"+r.ID.Label()+".json ]")

	// A restore removes it, and what has come stays for the next try: nothing runs from it.
	all[1].StartSSH(t)
	placement, err := g.Placement(r, "green")
	g.ok(err)
	g.eventually(func() error { return g.Remove(t.Context(), placement) }) // That it cannot be reached is the answer for a second more.
	sent.Store(0)
	others.Store(0)
	r = g.placed(r, "green")
	if got := sent.Load(); got != size-arrived || others.Load() > 0 {
		t.Errorf("%d bytes were sent, want the %d that were missing, and %d to the other one", got, size-arrived, others.Load())
	}
	g.started(r, nil)
}
