// Package terraform runs the real CLI, Terraform or OpenTofu, as a person would: init, plan, apply, destroy.
package terraform

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	version "github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

// Found is a CLI.
type Found struct {
	// Path of the executable.
	Path string
	// Fetched: it was not on PATH.
	Fetched bool
}

// Tofu tells OpenTofu from Terraform: they look for providers under different host names.
func (f Found) Tofu() bool { return strings.Contains(filepath.Base(f.Path), "tofu") }

// fetched is the Terraform that is fetched where there is none.
var fetched = version.Must(version.NewVersion("1.11.4"))

// Find takes terraform or tofu from PATH, the first that is there. Where neither is, it fetches Terraform into
// directory and tells say so.
func Find(ctx context.Context, directory string, say func(format string, values ...any)) (Found, error) {
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			if path, err = filepath.Abs(path); err != nil {
				return Found{}, fmt.Errorf("find %s: %w", name, err)
			}
			return Found{Path: path}, nil
		}
	}
	say("neither terraform nor tofu is on PATH: fetching Terraform %s into %s", fetched, directory)
	installer := &releases.ExactVersion{Product: product.Terraform, Version: fetched, InstallDir: directory}
	path, err := installer.Install(ctx)
	if err != nil {
		return Found{}, fmt.Errorf("fetch Terraform %s, since neither terraform nor tofu is on PATH: %w", fetched, err)
	}
	return Found{Path: path, Fetched: true}, nil
}
