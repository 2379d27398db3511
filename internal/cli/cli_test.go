package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// command runs a command and returns what it prints.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := New("test", nil, strings.NewReader("no\n"), &out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestWhatIsNotUnderstoodIsUsage(t *testing.T) {
	for _, args := range [][]string{
		{"dance"}, {"report"}, {"report", "production/web", "1.0"}, {"report", "production/web", "--format", "pdf"}, {"recover", "production/web", "--all"}, {"fetch", "a"}, {"history", "web"}, {"history", "production/web", "--colour"},
		{"rollback", "production/web", "--to", "1.0"}, {"recover", "production/web"}, {"restore", "production/web"}, {"adopt", "production/web"}, {"watch"}, {"watch", "production/web", "--guard"},
	} {
		_, err := command(t, append(args, "--store", "file://"+t.TempDir())...)
		if !errors.As(err, new(*usageError)) {
			t.Errorf("%v: got %v, want an error of usage", args, err)
		}
	}
}

func TestHelpListsTheCommands(t *testing.T) {
	out, err := command(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"history", "watch", "report", "recover", "rollback", "unhold", "accept", "restore", "adopt", "fetch", "Exit codes"} {
		if !strings.Contains(out, name) {
			t.Errorf("the help does not name %s:\n%s", name, out)
		}
	}
}

func TestServicesOfAnEmptyStore(t *testing.T) {
	url := "file://" + t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"history"}, "has no services"},
		{[]string{"history", "--json"}, `"services": []`},
		{[]string{"recover", "--all"}, "services in the store: 0"},
		{[]string{"recover", "--all", "--json"}, `"recovered": []`},
	} {
		if out, err := command(t, append(c.args, "--store", url)...); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: %v:\n%s", c.args, err, out)
		}
	}
	if _, err := command(t, "report", "production/web", "--store", url); err == nil || !strings.Contains(err.Error(), "it has no services") {
		t.Errorf("report of nothing: %v", err)
	}
}

func TestHistoryPrintsTheLedger(t *testing.T) {
	url := "file://" + t.TempDir()
	s, _, err := connect.Store(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	terms := ledger.Terms{Length: 20 * time.Second, Wait: time.Second, Poll: time.Millisecond}
	lease, err := ledger.Open(s, "production/web").Acquire(t.Context(), "run", ledger.Holder{Name: "somebody"}, terms)
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Append(t.Context(), ledger.Event{Type: ledger.Unheld, Release: service.ReleaseID("production/web/1-00000001"), Text: "said in a test"}); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "history", "production/web", "--store", url)
	if err != nil || !strings.Contains(out, "said in a test") || !strings.Contains(out, "somebody") {
		t.Errorf("%v:\n%s", err, out)
	}
	out, err = command(t, "history", "production/web", "--store", url, "--json")
	var printed struct {
		Service string         `json:"service"`
		Events  []ledger.Event `json:"events"`
	}
	if err != nil || json.Unmarshal([]byte(out), &printed) != nil || len(printed.Events) != 3 || printed.Service != "production/web" {
		t.Errorf("%v: %d events:\n%s", err, len(printed.Events), out)
	}
}
