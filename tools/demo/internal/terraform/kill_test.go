package terraform_test

import (
	"errors"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
)

func TestKillProviderWhereThereIsNone(t *testing.T) {
	cli := &terraform.CLI{Found: found(t), Directory: t.TempDir(), Configuration: "/dev/null", Logs: t.TempDir()}
	running, err := cli.Start(t.Context(), "version")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := running.KillProvider(t.TempDir()); !errors.Is(err, terraform.ErrNoProvider) {
		t.Errorf("no provider runs: %v", err)
	}
	if result, err := running.Finish(); err != nil || result.ExitCode != 0 {
		t.Errorf("the command ended with %d, %v: what is no provider must live", result.ExitCode, err)
	}
}
