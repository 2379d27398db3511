package release

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// packed is an archive with one file, as its reference.
func packed(t *testing.T, name string, mode int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.tar.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	err = archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: 1})
	_, written := archive.Write([]byte("x"))
	if err := errors.Join(err, written, archive.Close(), zipped.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	digest, err := artifact.Digest(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return service.Reference{Path: path, Digest: digest}.String()
}

func TestProgram(t *testing.T) {
	good, elsewhere, plain := packed(t, "web", 0o755), packed(t, "app/web", 0o755), packed(t, "web", 0o644)
	other := packed(t, "app/web", 0o755)
	other = other[:len(other)-4] + "0000"
	for name, test := range map[string]struct {
		artifact, command string
		change            func(*stage.Planning[model])
		summary, want     string
	}{
		"there":                 {artifact: good, command: "./web"},
		"elsewhere":             {artifact: elsewhere, command: "./web", summary: "Program Not In Artifact", want: "write ./app/web as the first of content.host.command"},
		"not executable":        {artifact: plain, command: "./web", summary: "Program Not Executable", want: "pack it with its mode, 0755"},
		"one that the host has": {artifact: elsewhere, command: "/usr/bin/web"},
		"one of PATH":           {artifact: elsewhere, command: "web"},
		"not here":              {artifact: reference, command: "./web"},
		"another by now":        {artifact: other, command: "./web"},
		"not known yet":         {artifact: configtest.Unknown, command: "./web"},
		"command not known yet": {artifact: elsewhere, command: configtest.Unknown},
		"nothing to release":    {artifact: elsewhere, command: "./web", change: func(p *stage.Planning[model]) { p.ReleaseChanges = stage.Unchanged }},
		"kept ready":            {artifact: elsewhere, command: "./web", change: func(p *stage.Planning[model]) { p.Mode = service.ModeRollback }},
		"of a service that is not known yet": {artifact: elsewhere, command: "./web", summary: "Program Not In Artifact",
			change: func(p *stage.Planning[model]) { p.ReleaseChanges = stage.ChangeUnknown }},
		"beside what is not known yet": {artifact: elsewhere, command: `./web","` + configtest.Unknown, summary: "Program Not In Artifact"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer(reference, test.artifact, "./web", test.command).Replace(least)
			var w warnings
			p := planningOf(t, text, stage.Changed, &w)
			if test.change != nil {
				test.change(&p)
			}
			diags := plan(t.Context(), p)
			if test.summary == "" {
				if len(diags) > 0 {
					t.Errorf("got %v", diags)
				}
				return
			}
			if len(diags) != 1 {
				t.Fatalf("got %v, want one error", diags)
			}
			placed, is := diags[0].(diag.DiagnosticWithPath)
			if !is || placed.Path().String() != "content.host.command" || placed.Summary() != test.summary || !strings.Contains(placed.Detail(), test.want) {
				t.Errorf("got %v, want %s: %s", diags[0], test.summary, test.want)
			}
		})
	}
}
