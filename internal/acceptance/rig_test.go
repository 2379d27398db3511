// Package acceptance drives the built provider with real Terraform: real plans, real applies, real processes, a real
// Caddy, real signals. It has tests only.
package acceptance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/caddy/caddytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// patience bounds every wait for something that must happen: the machines are small and noisy.
const patience = 2 * time.Minute

// built are the programs that the tests run, made once.
var built struct {
	once sync.Once
	err  error
	// root of the module, provider and web: the binaries, cli: Terraform's, config: its CLI configuration.
	root, provider, web, cli, config string
	// crashing is the provider that the crash matrix kills, crashConfig the CLI's configuration with it.
	crashing, crashConfig string
}

func build(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("acceptance tests take minutes: run make test")
	}
	built.once.Do(func() { built.err = buildAll() })
	if built.err != nil {
		if os.Getenv("CI") == "true" || !errors.Is(built.err, exec.ErrNotFound) {
			t.Fatal(built.err)
		}
		t.Skipf("terraform is missing (%v): install Terraform or OpenTofu and put it on PATH", built.err)
	}
}

func buildAll() error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	dir := filepath.Join(root, "build", "acceptance")
	plugins := filepath.Join(dir, "plugins")
	platform := "linux_amd64"
	if out, err := exec.CommandContext(context.Background(), "go", "env", "GOOS", "GOARCH").Output(); err == nil {
		platform = strings.Join(strings.Fields(string(out)), "_")
	}
	built.root = root
	built.provider = filepath.Join(plugins, "registry.terraform.io/progressive-delivery/deploy/0.0.1", platform, "terraform-provider-deploy_v0.0.1")
	built.web = filepath.Join(dir, "web")
	if built.cli, err = findCLI(); err != nil {
		return err
	}
	crashPlugins := filepath.Join(dir, "crashing")
	built.crashing = filepath.Join(crashPlugins, strings.TrimPrefix(built.provider, plugins))
	for _, b := range []struct{ dir, pkg, out, tags string }{
		{root, ".", built.provider, ""}, {root, ".", built.crashing, "crash"}, {filepath.Join(root, "tools/demo"), "./cmd/web", built.web, ""},
	} {
		cmd := exec.CommandContext(context.Background(), "go", "build", "-tags", b.tags, "-o", b.out, b.pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // It runs on other machines, too.
		cmd.Dir = b.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", b.pkg, err, out)
		}
	}
	built.config, built.crashConfig = filepath.Join(dir, "terraform.rc"), filepath.Join(dir, "crashing.rc")
	return errors.Join(writeConfig(built.config, plugins), writeConfig(built.crashConfig, crashPlugins))
}

func writeConfig(path, plugins string) error {
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\ndisable_checkpoint = true\n", plugins)
	return os.WriteFile(path, []byte(text), 0o600)
}

// findCLI takes the first of DEPLOY_TEST_CLIS, else terraform or tofu from PATH.
func findCLI() (string, error) {
	if list := os.Getenv("DEPLOY_TEST_CLIS"); list != "" {
		return filepath.SplitList(list)[0], nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("look for terraform and tofu: %w", exec.ErrNotFound)
}

// rig is one Terraform configuration with a world of its own: a store, a Caddy, a directory for releases.
type rig struct {
	t     *testing.T
	dir   string // of the configuration
	store string
	// storeURL is what the configuration and the operator's commands name: the directory store, or a server's bucket.
	storeURL string
	host     string // directory of the platform
	caddy    *caddytest.Server
	fleet    *fleet         // machines, in the place of this one and of Caddy
	ports    map[string]int // blue, green
	env      []string
	// pause of the client that keeps asking, between two requests.
	pause time.Duration
	// wrap changes how Terraform is run; nil: not at all.
	wrap func(*exec.Cmd)
}

// newRig makes a rig with a router, or without one.
func newRig(t *testing.T, withRouter bool) *rig {
	t.Helper()
	build(t)
	dir := t.TempDir()
	r := &rig{t: t, dir: filepath.Join(dir, "configuration"), store: filepath.Join(dir, "store"), host: filepath.Join(dir, "host"), ports: map[string]int{}, pause: 5 * time.Millisecond}
	r.storeURL = "file://" + r.store
	for _, d := range []string{r.dir, r.host} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, slot := range []string{"blue", "green"} {
		r.ports[slot] = freePort(t)
	}
	if withRouter {
		r.caddy = caddytest.Start(t, func(s *caddytest.Server) string {
			return caddytest.Split(s, []string{r.address("blue")}, []string{r.address("green")})
		})
	}
	t.Cleanup(r.end)
	return r
}

// urls are where users' requests go.
func (r *rig) urls() []string {
	switch {
	case r.fleet != nil && r.fleet.alone:
		return nil
	case r.fleet != nil:
		return r.fleet.urls()
	case r.caddy != nil:
		return []string{r.caddy.URL}
	}
	return nil
}

func (r *rig) address(slot string) string { return fmt.Sprintf("127.0.0.1:%d", r.ports[slot]) }

// freePort is a port of loopback for an instance, which may be started late, and again.
func freePort(t *testing.T) int {
	t.Helper()
	ports, err := freeport.Find("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}

// end stops what the rig's releases left running; a test that succeeded has nothing left but what it wanted to run.
func (r *rig) end() {
	for _, pid := range r.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// processes are the pids of everything that runs out of the rig's directory of releases.
func (r *rig) processes() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		var pid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil {
			continue
		}
		executable, _ := os.Readlink("/proc/" + e.Name() + "/exe")
		if strings.HasPrefix(executable, r.host+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// result is what one run of Terraform came to.
type result struct {
	code   int
	output string
}

// command prepares a run of Terraform in the rig.
func (r *rig) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, built.cli, args...)
	cmd.Dir = r.dir
	cmd.Env = append(cleanEnvironment(), "TF_CLI_CONFIG_FILE="+built.config, "TF_IN_AUTOMATION=1", "DEPLOY_LOCK_LEASE=6s")
	cmd.Env = append(cmd.Env, r.env...)
	// A group of its own, so that a signal reaches what a terminal would send it to.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if r.wrap != nil {
		r.wrap(cmd)
	}
	return cmd
}

// cleanEnvironment is ours without what would change Terraform's or the provider's ways.
func cleanEnvironment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "TF_") && !strings.HasPrefix(kv, "DEPLOY_") && !strings.HasPrefix(kv, "CI=") {
			env = append(env, kv)
		}
	}
	return env
}

// run runs Terraform to its end.
func (r *rig) run(args ...string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := r.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
	}
	return result{code: cmd.ProcessState.ExitCode(), output: string(out)}
}

// initialised are directories as `terraform init` leaves them, by the CLI's configuration: it does the same for every rig.
var initialised struct {
	sync.Mutex
	by map[string]string
}

// configuration of the CLI that the rig uses.
func (r *rig) configuration() string {
	configuration := built.config
	for _, kv := range r.env {
		if path, found := strings.CutPrefix(kv, "TF_CLI_CONFIG_FILE="); found {
			configuration = path
		}
	}
	return configuration
}

// init initialises the rig's directory.
func (r *rig) init() {
	r.t.Helper()
	initialised.Lock()
	defer initialised.Unlock()
	master, found := initialised.by[r.configuration()]
	if !found {
		if res := r.run("init", "-no-color", "-input=false"); res.code != 0 {
			r.t.Fatalf("init: %s", res.output)
		}
		master = strings.TrimSuffix(r.configuration(), ".rc") + "-initialised"
		if err := os.RemoveAll(master); err != nil {
			r.t.Fatal(err)
		}
		if err := os.MkdirAll(master, 0o755); err != nil {
			r.t.Fatal(err)
		}
		r.copyInitialised(r.dir, master)
		if initialised.by == nil {
			initialised.by = map[string]string{}
		}
		initialised.by[r.configuration()] = master
		return
	}
	r.copyInitialised(master, r.dir)
}

func (r *rig) copyInitialised(from, to string) {
	r.t.Helper()
	for _, name := range []string{".terraform", ".terraform.lock.hcl"} {
		if out, err := exec.CommandContext(context.Background(), "cp", "-a", filepath.Join(from, name), to).CombinedOutput(); err != nil {
			r.t.Fatalf("copy %s: %v: %s", name, err, out)
		}
	}
}

// write puts a configuration in place; the first one initialises the directory.
func (r *rig) write(hcl string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "main.tf"), []byte(hcl), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, ".terraform")); err != nil {
		r.init()
	}
}

// apply applies and expects an exit code.
func (r *rig) apply(code int, args ...string) string {
	r.t.Helper()
	res := r.run(append([]string{"apply", "-auto-approve", "-no-color", "-input=false"}, args...)...)
	if res.code != code {
		r.t.Fatalf("apply exited with %d, want %d:\n%s", res.code, code, res.output)
	}
	return res.output
}

// plan is a plan in both forms.
type plan struct {
	text string
	json *tfjson.Plan
}

// plan makes a plan, which must succeed.
func (r *rig) plan(args ...string) plan {
	r.t.Helper()
	res := r.run(append([]string{"plan", "-no-color", "-input=false", "-out=plan"}, args...)...)
	if res.code != 0 {
		r.t.Fatalf("plan: %s", res.output)
	}
	shown := r.command(context.Background(), "show", "-json", "plan")
	out, err := shown.Output()
	if err != nil {
		r.t.Fatalf("show the plan: %v", err)
	}
	p := plan{text: res.output, json: &tfjson.Plan{}}
	if err := json.Unmarshal(out, p.json); err != nil {
		r.t.Fatalf("read the plan: %v", err)
	}
	return p
}

// planFails makes a plan that must fail, and returns what it says.
func (r *rig) planFails(args ...string) string {
	r.t.Helper()
	res := r.run(append([]string{"plan", "-no-color", "-input=false"}, args...)...)
	if res.code != 1 {
		r.t.Fatalf("plan exited with %d, want an error:\n%s", res.code, res.output)
	}
	return res.output
}

// actions are the changes of a plan by address: "create", "update", "delete", "delete,create"; no-ops and reads left out.
func (p plan) actions() map[string]string {
	actions := map[string]string{}
	for _, c := range p.json.ResourceChanges {
		if c.Change.Actions.NoOp() || c.Change.Actions.Read() {
			continue
		}
		var words []string
		for _, a := range c.Change.Actions {
			words = append(words, string(a))
		}
		actions[strings.TrimPrefix(strings.TrimSuffix(c.Address, ".web"), "deploy_")] = strings.Join(words, ",")
	}
	return actions
}

// change is one resource's change.
func (p plan) change(address string) (before, after map[string]any) {
	for _, c := range p.json.ResourceChanges {
		if c.Address == address {
			before, _ = c.Change.Before.(map[string]any)
			after, _ = c.Change.After.(map[string]any)
		}
	}
	return before, after
}

// view reads the service's ledger as operators do.
func (r *rig) view(id service.ID) *ledger.View {
	r.t.Helper()
	s, _, err := connect.Store(context.Background(), r.storeURL)
	if err != nil {
		r.t.Fatal(err)
	}
	view, err := ledger.Open(s, id).Read(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return &view
}

// await polls until done says so.
func (r *rig) await(what string, done func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %s for %s", patience, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
