package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

const (
	web      = service.ID("production/web")
	first    = service.ReleaseID("production/web/1-00000001")
	second   = service.ReleaseID("production/web/2-00000002")
	bad      = service.ReleaseID("production/web/3-00000003")
	deadline = time.Minute
)

// outcome is what a command came to.
type outcome struct {
	code      int
	out, errs string
}

// command runs a command without a terminal.
func command(t *testing.T, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	o := &options{in: strings.NewReader("no\n"), out: &out, errs: &errs}
	code := o.run(t.Context(), "test", args)
	return outcome{code, out.String(), errs.String()}
}

// buffer may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits until text has come n times.
func (b *buffer) await(t *testing.T, text string, n int) {
	t.Helper()
	for began := time.Now(); strings.Count(b.String(), text) < n; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > deadline {
			t.Fatalf("it does not say %q %d times:\n%s", text, n, b.String())
		}
	}
}

// newStore is a store in use.
func newStore(t *testing.T) (store.Store, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "store")
	s, _, err := connect.Store(t.Context(), "file://"+root)
	if err == nil {
		_, err = ledger.Establish(t.Context(), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, root
}

// write appends to a service's ledger.
func write(t *testing.T, s store.Store, id service.ID, events ...ledger.Event) {
	t.Helper()
	lease := take(t, s, id)
	for _, e := range events {
		if err := lease.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := lease.Release(context.WithoutCancel(t.Context()), false); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, s store.Store, id service.ID) *ledger.Lease {
	t.Helper()
	l := ledger.Open(s, id)
	if err := l.Enlist(t.Context()); err != nil {
		t.Fatal(err)
	}
	terms := ledger.Terms{Length: time.Minute, Wait: time.Second, Poll: time.Millisecond}
	lease, err := l.Acquire(t.Context(), "run", ledger.Holder{Name: "somebody", Doing: "terraform"}, terms)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func defined(id service.ID) ledger.Event {
	return ledger.Event{Type: ledger.ServiceDefined, Owner: "owner", Definition: &service.Definition{
		ID: id, Platform: service.Platform{Host: &service.HostPlatform{
			Directory: "/nonexistent", Address: "127.0.0.1", Slots: map[string]service.HostSlot{"blue": {Ports: []int{1}}},
		}},
	}}
}

// opened is an attempt between its first two stages.
func opened(number int, r service.ReleaseID) []ledger.Event {
	return []ledger.Event{
		{Type: ledger.AttemptOpened, Attempt: number, Release: r, Opening: &ledger.Opening{Mode: service.ModeUpdate, Replaces: first}},
		{Type: ledger.StageOpened, Attempt: number, Release: r, Stage: service.StagePreflight},
		{Type: ledger.StagePassed, Attempt: number, Release: r, Stage: service.StagePreflight},
	}
}

func closed(number int, r service.ReleaseID, c ledger.Closing) ledger.Event {
	return ledger.Event{Type: ledger.AttemptClosed, Attempt: number, Release: r, Closing: &c, Text: "said in a test"}
}

// withHeld is a store in which a service holds the release bad.
func withHeld(t *testing.T) (s store.Store, url, root string) {
	t.Helper()
	s, root = newStore(t)
	write(t, s, web, defined(web))
	write(t, s, web, append(opened(1, bad), closed(1, bad, ledger.Closing{End: service.EndRolledBack, Hold: true}))...)
	return s, s.URL(), root
}

func TestWhatIsNotUnderstoodIsUsage(t *testing.T) {
	_, url, _ := withHeld(t)
	for _, args := range [][]string{
		{"dance"}, {"report"}, {"report", "production/web", "1.0"}, {"report", "production/web", "--format", "pdf"}, {"recover", "production/web", "--all"}, {"recover"},
		{"fetch", "a"}, {"history", "web"}, {"history", "production/web", "--colour"}, {"rollback", "production/web", "--to", "1.0"}, {"unhold", "production/web", "--release", "garbage"},
		{"restore", "production/web"}, {"adopt", "production/web"}, {"watch"}, {"watch", "web", "--guard"},
	} {
		if got := command(t, append(args, "--store", url)...); got.code != ExitUsage {
			t.Errorf("%v: exit code %d, want %d:\n%s%s", args, got.code, ExitUsage, got.out, got.errs)
		}
	}
}

func TestHelpListsTheCommands(t *testing.T) {
	got := command(t)
	for _, name := range []string{"history", "watch", "report", "recover", "rollback", "unhold", "accept", "restore", "adopt", "fetch", "Exit codes"} {
		if got.code != ExitDone || !strings.Contains(got.out, name) {
			t.Errorf("the help does not name %s:\n%s", name, got.out)
		}
	}
}

func TestServicesOfAnEmptyStore(t *testing.T) {
	s, _ := newStore(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"history"}, "has no services"},
		{[]string{"history", "--json"}, `"services": []`},
		{[]string{"recover", "--all"}, "services in the store: 0"},
		{[]string{"recover", "--all", "--json"}, `"recovered": []`},
	} {
		if got := command(t, append(c.args, "--store", s.URL())...); got.code != ExitDone || !strings.Contains(got.out, c.want) {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
	if got := command(t, "report", "production/web", "--store", s.URL()); got.code != ExitFailed || !strings.Contains(got.errs, "it has no services") {
		t.Errorf("report of nothing: %+v", got)
	}
}

// A store that is mistyped or not mounted looks empty: that there is nothing to do would be no answer.
func TestAPlaceThatIsNoStoreIsAnError(t *testing.T) {
	root := t.TempDir()
	for _, args := range [][]string{
		{"history"}, {"history", "production/web"}, {"recover", "--all"}, {"recover", "production/web", "--yes"}, {"watch", "production/web"},
		{"watch", "production/web", "--follow"}, {"watch", "production/web", "--guard", "--yes"}, {"report", "production/web"}, {"rollback", "production/web", "--yes"},
		{"unhold", "production/web", "--yes"}, {"accept", "production/web", "--yes"}, {"restore", "production/web", "1", "--yes"}, {"fetch", "a", "b"},
	} {
		got := command(t, append(args, "--store", "file://"+root)...)
		if got.code != ExitFailed || !strings.Contains(got.errs, "file://"+root) || !strings.Contains(got.errs, "Store Not Found") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) > 0 {
		t.Errorf("something was written: %v, %v", entries, err)
	}
}

// One damaged ledger hides neither the services before it nor those after it.
func TestADamagedLedgerDoesNotHideTheOthers(t *testing.T) {
	s, root := newStore(t)
	for _, id := range []service.ID{"production/a", "production/b", "production/c"} {
		write(t, s, id, defined(id))
	}
	for _, name := range []string{"state.json", "ledger/00000002.json"} {
		if err := os.WriteFile(filepath.Join(root, "production", "b", filepath.FromSlash(name)), []byte("gar"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := command(t, "history", "--store", s.URL())
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	if got.code != ExitFailed || len(lines) != 3 || !strings.Contains(lines[1], "unreadable") || !strings.Contains(lines[1], "00000002.json") || !strings.Contains(lines[2], "ready") {
		t.Errorf("history: %+v", got)
	}
	got = command(t, "recover", "--all", "--yes", "--store", s.URL())
	if got.code != ExitFailed || !strings.Contains(got.out, "production/b: NOT recovered: ") || !strings.Contains(got.errs, "1 of 1 services could not be recovered") {
		t.Errorf("recover --all: %+v", got)
	}
	got = command(t, "history", "--json", "--store", s.URL())
	var printed struct {
		Services []standing `json:"services"`
		Error    failure    `json:"error"`
	}
	if err := json.Unmarshal([]byte(got.out), &printed); err != nil || len(printed.Services) != 3 || printed.Services[1].Error == "" || !strings.Contains(printed.Error.Detail, "1 of 3") {
		t.Errorf("history --json: %v: %+v", err, got)
	}
}

func TestHistoryPrintsTheLedger(t *testing.T) {
	_, url, _ := withHeld(t)
	got := command(t, "history", "production/web", "--store", url)
	if got.code != ExitDone || !strings.Contains(got.out, "said in a test") || !strings.Contains(got.out, "somebody") {
		t.Errorf("%+v", got)
	}
	got = command(t, "history", "production/web", "--store", url, "--json")
	var printed struct {
		Service string         `json:"service"`
		Events  []ledger.Event `json:"events"`
	}
	if err := json.Unmarshal([]byte(got.out), &printed); err != nil || len(printed.Events) != 9 || printed.Service != "production/web" {
		t.Errorf("%v: %d events:\n%s", err, len(printed.Events), got.out)
	}
}
