package caddytest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Variable names the environment variable with the path of Caddy's executable.
const Variable = "DEPLOY_TEST_CADDY"

var errMissing = errors.New("Caddy is missing: make caddy, or set " + Variable + " to its executable") //nolint:staticcheck // a name

// find looks where Variable says, else into build/bin of the module.
func find() (string, error) {
	if path := os.Getenv(Variable); path != "" {
		if !executable(path) {
			return "", fmt.Errorf("%s is %s, which is no executable: %w", Variable, path, errMissing)
		}
		return path, nil
	}
	directory, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("look for Caddy: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", errMissing
		}
		directory = parent
	}
	path := filepath.Join(directory, "build", "bin", "caddy")
	if !executable(path) {
		return "", errMissing
	}
	return path, nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
