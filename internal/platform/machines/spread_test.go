package machines

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A file that is missing to log in with is no artifact that is missing.
func TestMissingFileOfTheLogin(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "web")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	digest, err := artifact.Digest(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, definition(), func(name string) fake {
		return fake{name: name, run: func(string) ([]byte, error) {
			return nil, fmt.Errorf("read known_hosts: open /home/me/.ssh/known_hosts: %w", fs.ErrNotExist)
		}}
	})
	r := service.Release{ID: "production/web/1.0.0-00000000", Content: service.Content{
		Version: "1.0.0", Artifact: service.Reference{Path: path, Digest: digest}.String(), Host: &service.HostContent{Command: []string{"./web"}},
	}}
	_, err = m.Place(t.Context(), r, "blue")
	if err == nil || !strings.Contains(err.Error(), "known_hosts") || strings.Contains(err.Error(), "artifact") || strings.Contains(err.Error(), "keeps it") {
		t.Errorf("got %v", err)
	}
}
