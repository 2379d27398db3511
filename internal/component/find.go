// Package component finds the programs that tests run against and that make builds or installs below build/.
package component

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Find returns the path of a program: what the environment variable says, else path below the module's build directory.
// Without it the test is skipped with a line that says how to get it, or fails where CI is "true".
func Find(t testing.TB, variable, path, how string) string {
	t.Helper()
	found, err := find(variable, path)
	if err == nil {
		return found
	}
	Missing(t, fmt.Sprintf("%v: %s, or set %s to its executable", err, how, variable))
	return ""
}

// Missing ends a test for which something is missing: it is skipped with the complaint, or fails where CI is "true".
func Missing(t testing.TB, complaint string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(complaint)
	}
	t.Skip(complaint)
}

// Module is the directory of the module that the tests of this process belong to.
func Module() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("look for the module's directory: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			return directory, nil
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", fmt.Errorf("no go.mod is in or above the directory that the tests run in")
		}
		directory = parent
	}
}

func find(variable, path string) (string, error) {
	if written := os.Getenv(variable); written != "" {
		return written, check(written)
	}
	directory, err := Module()
	if err != nil {
		return "", fmt.Errorf("%s is looked for below a module: %w", path, err)
	}
	full := filepath.Join(directory, "build", filepath.FromSlash(path))
	return full, check(full)
}

func check(path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is missing", path)
	}
	return nil
}
