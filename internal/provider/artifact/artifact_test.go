package artifact

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const script = "#!/bin/sh\nexit 0\n"

// scriptDigest is what sha256sum says of script.
const scriptDigest = "306c6ca7407560340797866e077e053627ad409277d1b9da58106fce4cf717cb"

func TestLook(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "web")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "web.tar.gz")
	if err := os.WriteFile(broken, []byte("\x1f\x8bnot an archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		file, sha256 string
		at, summary  string
	}{
		"found":           {file, "", "", ""},
		"as expected":     {file, scriptDigest, "", ""},
		"another digest":  {file, strings.Repeat("0", 64), "sha256", "Artifact Has Another Digest"},
		"missing":         {file + "x", "", "file", "Artifact Not Found"},
		"a broken one":    {broken, "", "file", "Artifact Not Installable"},
		"a directory":     {dir, "", "file", "Artifact Not Readable"},
		"missing, digest": {file + "x", scriptDigest, "file", "Artifact Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			m := model{File: types.StringValue(test.file), SHA256: types.StringNull(), Service: types.StringNull()}
			if test.sha256 != "" {
				m.SHA256 = types.StringValue(test.sha256)
			}
			var diags diag.Diagnostics
			(&artifactData{}).look(t.Context(), &m, &diags)
			if test.summary == "" {
				if diags.HasError() {
					t.Fatal(diags)
				}
				if want := "file:" + file + "@sha256:" + scriptDigest; m.Reference.ValueString() != want || m.Size.ValueInt64() != int64(len(script)) {
					t.Errorf("got %s of %s bytes, want %s", m.Reference, m.Size, want)
				}
				return
			}
			if len(diags) != 1 || diags[0].Summary() != test.summary {
				t.Fatalf("got %v, want %s", diags, test.summary)
			}
			if placed, ok := diags[0].(diag.DiagnosticWithPath); !ok || placed.Path().String() != test.at {
				t.Errorf("got %v, want it at %s", diags[0], test.at)
			}
		})
	}
}

func TestPassedIn(t *testing.T) {
	const digest = "sha256:5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b"
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	release := service.Release{ID: "staging/web/1.0.0-00000001", Content: service.Content{Artifact: "file:web@" + digest}}
	viewOf := func(attempts ...ledger.Attempt) ledger.View {
		return ledger.View{Now: now, State: ledger.State{
			Number: 9, Attempts: attempts, Releases: map[service.ReleaseID]service.Release{release.ID: release}, Stable: release.ID,
		}}
	}
	attempt := ledger.Attempt{Number: 1, Release: release.ID, End: service.EndFinalized, EndedAt: now.Add(-time.Hour)}
	undone, restored := attempt, attempt
	undone.Undone = true
	restored.End = service.EndRestored
	for name, test := range map[string]struct {
		view   ledger.View
		digest string
		age    time.Duration
		want   string
	}{
		"old enough":        {viewOf(attempt), digest, time.Hour, ""},
		"too young":         {viewOf(attempt), digest, 2 * time.Hour, "another 1h"},
		"rolled back":       {viewOf(undone), digest, 0, "rolled back"},
		"never finalized":   {viewOf(restored), digest, 0, "was not finalized"},
		"another digest":    {viewOf(attempt), "sha256:0", 0, "stands with " + digest},
		"no such service":   {ledger.View{Now: now}, digest, 0, "knows no service"},
		"twice, long since": {viewOf(attempt, ledger.Attempt{Number: 2, Release: release.ID, End: service.EndFinalized, EndedAt: now}), digest, time.Hour, ""},
	} {
		got := missing(test.view, "staging/web", test.digest, test.age)
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
