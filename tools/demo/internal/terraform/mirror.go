package terraform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const (
	providerSource  = "progressive-delivery/deploy"
	providerVersion = "0.0.1"
	providerName    = "terraform-provider-deploy"
)

// Both CLIs complete the source "progressive-delivery/deploy" with the host of their own registry.
const (
	terraformHost = "registry.terraform.io"
	tofuHost      = "registry.opentofu.org"
)

// Install puts the provider where init finds it, a mirror below directory that stands in for the registry, and returns
// the CLI's configuration that says so. The mirror gets hard links to binary, which must lie on the same file system.
func Install(found Found, binary, directory string) (configuration string, err error) {
	host := terraformHost
	if found.Tofu() {
		host = tofuHost
	}
	address := host + "/" + providerSource
	mirror := filepath.Join(directory, "mirror")
	place := filepath.Join(mirror, filepath.FromSlash(address), providerVersion, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(place, 0o750); err != nil {
		return "", fmt.Errorf("make the mirror of the provider: %w", err)
	}
	link := filepath.Join(place, providerName+"_v"+providerVersion)
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("replace the provider in its mirror: %w", err)
	}
	if err := os.Link(binary, link); err != nil {
		return "", fmt.Errorf("put the provider into its mirror: %w", err)
	}
	configuration = filepath.Join(directory, "cli.tfrc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path    = %q\n    include = [%q]\n  }\n}\n", mirror, address)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the CLI's configuration: %w", err)
	}
	return configuration, nil
}
