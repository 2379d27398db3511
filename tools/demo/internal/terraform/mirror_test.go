package terraform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
)

// found is the CLI on PATH.
func found(t *testing.T) terraform.Found {
	t.Helper()
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return terraform.Found{Path: path}
		}
	}
	const missing = "neither terraform nor tofu is on PATH: install one, as with `go run github.com/hashicorp/hc-install/cmd/hc-install@latest install terraform`"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return terraform.Found{}
}

// init looks at the provider's file and does not start it: any file will do.
func TestInitFindsTheInstalledProvider(t *testing.T) {
	directory := t.TempDir()
	binary := filepath.Join(directory, "binary")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // a program's mode
		t.Fatal(err)
	}
	cli := &terraform.CLI{Found: found(t), Directory: t.TempDir(), Logs: t.TempDir()}
	var err error
	for range 2 { // installed again, as in a second run
		if cli.Configuration, err = terraform.Install(cli.Found, binary, directory); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := os.ReadFile("../../../../examples/demo/versions.tf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cli.Directory, "versions.tf"), versions, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Must(t.Context(), "init", "-no-color"); err != nil {
		t.Fatal(err)
	}
	r, err := cli.Must(t.Context(), "providers", "-no-color")
	if err != nil || !strings.Contains(r.Stdout, "progressive-delivery/deploy") {
		t.Errorf("providers: %v\n%s", err, r.Stdout)
	}
}

func TestMustSaysWhatTheCLISaid(t *testing.T) {
	cli := &terraform.CLI{Found: found(t), Directory: t.TempDir(), Logs: t.TempDir()}
	if err := os.WriteFile(filepath.Join(cli.Directory, "main.tf"), []byte(`resource "x" {`), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := cli.Must(t.Context(), "validate", "-no-color")
	if err == nil || r.ExitCode == 0 || !strings.Contains(err.Error(), "Error:") {
		t.Errorf("exit code %d, error %v, want the CLI's own error", r.ExitCode, err)
	}
	if text, reading := os.ReadFile(r.Log); reading != nil || !strings.Contains(string(text), "Error:") {
		t.Errorf("the log %q lacks the error: %v", text, reading)
	}
}
