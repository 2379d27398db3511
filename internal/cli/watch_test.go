package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// running is a command that runs until it is ended.
type running struct {
	out, errs buffer
	end       context.CancelFunc
	ended     chan int
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	r := &running{end: end, ended: make(chan int, 1)}
	o := &options{in: strings.NewReader(""), out: &r.out, errs: &r.errs}
	go func() { r.ended <- o.run(ctx, "test", args) }()
	t.Cleanup(end)
	return r
}

func TestWatchSaysWhereAServiceStandsInJSON(t *testing.T) {
	s, _ := newStore(t)
	write(t, s, web, append(opened(1, second), defined(web))...)
	got := command(t, "watch", string(web), "--json", "--store", s.URL())
	var printed struct {
		Standing standing `json:"standing"`
	}
	if err := json.Unmarshal([]byte(got.out), &printed); err != nil || got.code != ExitDone {
		t.Fatalf("%v: %+v", err, got)
	}
	if at := printed.Standing; at.Service != web || at.Status != statusOpen || at.Open != second || at.Attempt != 1 || at.Weight == nil || *at.Weight != 0 {
		t.Errorf("%s", got.out)
	}
}

// guardLooks is long enough for a guard to have read the ledger.
const guardLooks = 1500 * time.Millisecond

// The guard is what stands between a bad candidate and the users: that a store cannot be read for a while, or looks empty since it
// is not mounted, does not end it.
func TestGuardOutlivesItsStore(t *testing.T) {
	s, root := newStore(t)
	write(t, s, web, append(opened(1, second), defined(web))...)
	guard := start(t, "watch", string(web), "--guard", "--yes", "--json", "--store", s.URL())
	guard.out.await(t, "has no traffic yet", 1)
	snapshot := filepath.Join(root, filepath.FromSlash(string(web)), "state.json")
	for i, blip := range []struct {
		what        string
		begin, over func() error
	}{
		{
			"an object that cannot be read",
			func() error {
				return errors.Join(os.Rename(snapshot, snapshot+".kept"), os.Symlink("state.json", snapshot))
			},
			func() error { return os.Rename(snapshot+".kept", snapshot) },
		},
		{
			"a store that is not mounted",
			func() error { return os.Rename(root, root+".kept") },
			func() error { return os.Rename(root+".kept", root) },
		},
	} {
		if err := blip.begin(); err != nil {
			t.Fatal(err)
		}
		guard.errs.await(t, "the ledger is not seen", i+1)
		time.Sleep(guardLooks) // the guard looks by itself, and is no less patient
		if err := blip.over(); err != nil {
			t.Fatal(err)
		}
		guard.errs.await(t, "the ledger is seen again", i+1)
		select {
		case code := <-guard.ended:
			t.Fatalf("%s ends the guard with %d:\n%s%s", blip.what, code, guard.out.String(), guard.errs.String())
		default:
		}
	}
	write(t, s, web, closed(1, second, ledger.Closing{End: service.EndAbandoned}))
	if code := <-guard.ended; code != ExitDone {
		t.Errorf("exit code %d:\n%s", code, guard.errs.String())
	}
	lines := strings.Split(strings.TrimSpace(guard.out.String()), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "nothing is parked: attempt 1 of") {
		t.Errorf("the last line: %s", last)
	}
}

// A ledger that has become shorter is not the service's: for one who looks it is an error, for one who follows a reason to wait.
func TestALedgerThatBecameShorterIsAnError(t *testing.T) {
	s, root := newStore(t)
	write(t, s, web, append(opened(1, second), defined(web))...)
	lease := take(t, s, web)
	watching := start(t, "watch", string(web), "--store", s.URL())
	following := start(t, "watch", string(web), "--follow", "--store", s.URL())
	watching.out.await(t, "attempt 1", 1)
	following.out.await(t, "attempt 1", 1)
	if err := os.Rename(root, root+".kept"); err != nil {
		t.Fatal(err)
	}
	if code := <-watching.ended; code != ExitFailed || !strings.Contains(watching.errs.String(), "is its store still there?") {
		t.Errorf("exit code %d:\n%s", code, watching.errs.String())
	}
	following.errs.await(t, "the ledger is not seen", 1)
	if err := os.RemoveAll(root); err != nil { // the lease's heartbeat may have made it anew
		t.Fatal(err)
	}
	if err := os.Rename(root+".kept", root); err != nil {
		t.Fatal(err)
	}
	following.errs.await(t, "the ledger is seen again", 1)
	if err := lease.Append(t.Context(), closed(1, second, ledger.Closing{End: service.EndAbandoned})); err != nil {
		t.Fatal(err)
	}
	following.out.await(t, "said in a test", 1)
	following.end()
	if code := <-following.ended; code != ExitDone {
		t.Errorf("exit code %d:\n%s", code, following.errs.String())
	}
	if err := lease.Release(context.WithoutCancel(t.Context()), false); err != nil {
		t.Fatal(err)
	}
}
