//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cli runs real Terraform with the provider of this repository.
type cli struct {
	path, directory, mirror string
	environment             []string
	commands                int
}

// newCLI builds the provider into a mirror below directory.
func newCLI(ctx context.Context, root, directory string) (*cli, string, error) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return nil, "", fmt.Errorf("terraform is missing on PATH: %w", err)
	}
	c := &cli{path: path, directory: directory, mirror: filepath.Join(directory, "mirror")}
	provider := filepath.Join(c.mirror, "registry.terraform.io/progressive-delivery/deploy/0.0.1", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-deploy_v0.0.1")
	if err := goBuild(ctx, root, provider, "."); err != nil {
		return nil, "", err
	}
	rc := filepath.Join(directory, "cli.tfrc")
	text := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\ndisable_checkpoint = true\n", c.mirror)
	c.environment = []string{"TF_CLI_CONFIG_FILE=" + rc, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "TF_LOG", "TF_LOG_PATH"} {
		if value, set := os.LookupEnv(name); set {
			c.environment = append(c.environment, name+"="+value)
		}
	}
	return c, provider, os.WriteFile(rc, []byte(text), 0o600)
}

// initialize makes a directory with a configuration.
func (c *cli) initialize(ctx context.Context, name string, files map[string][]byte) error {
	dir := filepath.Join(c.directory, name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			return err
		}
	}
	return c.must(ctx, name, "init", "-no-color")
}

// running is a command that runs.
type running struct {
	cmd    *exec.Cmd
	mirror string
	log    string
	out    bytes.Buffer
	ended  chan struct{}
	err    error
	took   time.Duration
}

// interruptGrace is how long a command may take to end after an interrupt: a restore runs in it.
const interruptGrace = time.Minute

// start starts a command in the configuration called name.
func (c *cli) start(ctx context.Context, name string, arguments ...string) (*running, error) {
	c.commands++
	r := &running{mirror: c.mirror, ended: make(chan struct{}), log: filepath.Join(c.directory, "logs", fmt.Sprintf("%03d-%s.log", c.commands, arguments[0]))}
	r.cmd = exec.CommandContext(ctx, c.path, arguments...)
	r.cmd.Dir, r.cmd.Env = filepath.Join(c.directory, name), c.environment
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	// Ctrl-C is passed on, once.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(os.Interrupt) }
	r.cmd.WaitDelay = interruptGrace
	// The thread that started a child must live as long as it, or the child is taken for an orphan.
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		began := time.Now()
		err := r.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		r.err = r.cmd.Wait()
		r.took = time.Since(began)
		r.err = errors.Join(r.err, os.WriteFile(r.log, r.out.Bytes(), 0o600))
		close(r.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start terraform: %w", err)
	}
	return r, nil
}

// wait waits for the end; the error holds the last of what it said.
func (r *running) wait() error {
	<-r.ended
	if r.err != nil {
		text := strings.TrimSpace(r.out.String())
		return fmt.Errorf("terraform %s: %w (%s)\n%s", r.cmd.Args[1], r.err, r.log, text[max(0, len(text)-3000):])
	}
	return nil
}

// must runs a command to its end.
func (c *cli) must(ctx context.Context, name string, arguments ...string) error {
	r, err := c.start(ctx, name, arguments...)
	if err != nil {
		return err
	}
	return r.wait()
}

// providers are the processes below it that run the provider.
func (r *running) providers() (all []int) {
	for left := []int{r.cmd.Process.Pid}; len(left) > 0; left = left[1:] {
		if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", left[0])); err == nil && strings.HasPrefix(exe, r.mirror) {
			all = append(all, left[0])
		}
		left = append(left, childrenOf(left[0])...)
	}
	return all
}

func childrenOf(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // none where it is gone
	for _, list := range lists {
		content, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(content)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// kill kills the provider below it.
func (r *running) kill() error {
	pids := r.providers()
	if len(pids) == 0 {
		return errors.New("no provider runs")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill the provider, process %d: %w", pid, err)
		}
	}
	return nil
}

// step of a release.
type step struct {
	Weight int    `json:"weight"`
	Pause  string `json:"pause"`
}
