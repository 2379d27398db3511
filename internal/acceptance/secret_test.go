package acceptance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A secret's value, marked, is in none of plan, state, ledger, record, log at TRACE, diagnostics, other processes'
// argument lists.
func TestSecretsLeakNowhere(t *testing.T) {
	t.Parallel()
	const marker = "s3cr3t-m4rk3r-c0ffee"
	r := newRig(t, true)
	logs := filepath.Join(r.dir, "trace.log")
	r.env = append(r.env, "TF_LOG=TRACE", "TF_LOG_PATH="+logs, "DEPLOY_CREDENTIAL_FROM_ENVIRONMENT="+marker)
	secret := func(c config) config {
		c.ExtraProvider = `  credentials = { orders_db = "` + marker + `" }`
		c.ExtraContent = `    secrets = { DATABASE_PASSWORD = "orders_db", OTHER = "from_environment" }`
		return c
	}
	var said strings.Builder
	r.write(secret(config{Version: "1"}).hcl(r))
	p := r.plan()
	said.WriteString(p.text + r.apply(0))
	r.write(secret(failing(service.StageVerification, "2")).hcl(r))
	said.WriteString(r.apply(1))
	r.write(secret(failing(service.StageRelease, "3")).hcl(r))
	said.WriteString(r.apply(1))
	said.WriteString(r.plan().text)
	said.WriteString(r.operator(0, "history", string(web), "--json"))
	if strings.Contains(said.String(), marker) {
		t.Error("what Terraform and the commands print holds the secret")
	}
	reached := false
	for _, pid := range r.processes() {
		line, _ := os.ReadFile(procPath(pid, "cmdline"))
		if strings.Contains(string(line), marker) {
			t.Errorf("the arguments of process %d hold the secret", pid)
		}
		environment, _ := os.ReadFile(procPath(pid, "environ"))
		reached = reached || strings.Contains(string(environment), "DATABASE_PASSWORD="+marker) && strings.Contains(string(environment), "OTHER="+marker)
	}
	if !reached {
		t.Error("the release did not get the secret, so this test says nothing")
	}
	main := filepath.Join(r.dir, "main.tf")
	for _, root := range []string{r.dir, r.store, r.host} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || path == main {
				return err
			}
			data, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(data), marker) {
				t.Errorf("%s holds the secret", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(logs); err != nil || info.Size() == 0 {
		t.Errorf("there is no log to look into: %v", err)
	}
}
