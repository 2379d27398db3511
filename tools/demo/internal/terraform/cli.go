package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

// CLI runs commands in one working directory.
type CLI struct {
	Found Found
	// Directory holds the configuration and the state.
	Directory string
	// Configuration of the CLI itself, as Install returns it.
	Configuration string
	// Environment that the commands get beside what each has, as "NAME=value", such as credentials.
	Environment []string
	// Logs is where the whole output of each command goes, a file each.
	Logs string

	commands int
}

// interruptGrace is how long a command may take to end after an interrupt of the demo: a restore runs in it.
const interruptGrace = time.Minute

// Running is a command that runs.
type Running struct {
	*process.Group
	// Log is the file that has the whole output.
	Log    string
	log    *os.File
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// Result is how a command ended.
type Result struct {
	ExitCode int
	// Stdout and Stderr are what it printed; errors are in Stderr.
	Stdout, Stderr string
	Log            string
}

// Start starts a command, such as "plan", "-out=v2.tfplan".
func (c *CLI) Start(ctx context.Context, args ...string) (*Running, error) {
	c.commands++
	r := &Running{Log: filepath.Join(c.Logs, fmt.Sprintf("%02d-%s.log", c.commands, args[0]))}
	var err error
	if r.log, err = os.Create(r.Log); err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", args[0], err)
	}
	r.Group, err = process.Start(ctx, process.Command{
		Path: c.Found.Path, Args: args, Directory: c.Directory, Environment: c.environment(),
		Stdout: io.MultiWriter(&r.stdout, r.log), Stderr: io.MultiWriter(&r.stderr, r.log), Grace: interruptGrace,
	})
	if err != nil {
		_ = r.log.Close() // nothing is in it
		return nil, err
	}
	return r, nil
}

// Finish waits for the command to end.
func (r *Running) Finish() (Result, error) {
	code, err := r.Wait()
	if closing := r.log.Close(); err == nil && closing != nil {
		err = fmt.Errorf("write %s: %w", r.Log, closing)
	}
	return Result{ExitCode: code, Stdout: r.stdout.String(), Stderr: r.stderr.String(), Log: r.Log}, err
}

// Run runs a command to its end, whatever its exit code.
func (c *CLI) Run(ctx context.Context, args ...string) (Result, error) {
	r, err := c.Start(ctx, args...)
	if err != nil {
		return Result{}, err
	}
	return r.Finish()
}

// Must runs a command to its end; an exit code other than 0 is an error with what the command had to say.
func (c *CLI) Must(ctx context.Context, args ...string) (Result, error) {
	r, err := c.Run(ctx, args...)
	if err == nil && r.ExitCode != 0 {
		err = fmt.Errorf("%s %s: exit code %s: %s", filepath.Base(c.Found.Path), strings.Join(args, " "),
			strconv.Itoa(r.ExitCode), strings.TrimSpace(r.Stderr))
	}
	return r, err
}

// Show reads a saved plan.
func (c *CLI) Show(ctx context.Context, plan string) (*tfjson.Plan, error) {
	r, err := c.Must(ctx, "show", "-json", plan)
	if err != nil {
		return nil, err
	}
	var p tfjson.Plan
	if err := json.Unmarshal([]byte(r.Stdout), &p); err != nil {
		return nil, fmt.Errorf("read the plan %s: %w", plan, err)
	}
	return &p, nil
}

// environment is what the CLI gets: nothing of the person's own settings, which could lead it elsewhere, and nothing
// that says CI, where a store on a local disk is refused since it would not outlive the run. This one need not.
func (c *CLI) environment() []string {
	environment := []string{
		"TF_CLI_CONFIG_FILE=" + c.Configuration,
		"TF_IN_AUTOMATION=1", // no hints about what to type next
		"TF_INPUT=0",
		"CHECKPOINT_DISABLE=1",
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "TF_LOG", "TF_LOG_PATH"} {
		if value, set := os.LookupEnv(name); set {
			environment = append(environment, name+"="+value)
		}
	}
	return append(environment, c.Environment...)
}
