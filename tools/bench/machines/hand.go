//go:build linux

package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

//go:embed release.sh
var releaseScript []byte

// operator is who makes releases by hand: a configuration of ssh with shared connections, and the script.
type operator struct {
	w              *world
	config, script string
	sockets        string
	releases       int
}

// newOperator writes both.
func (w *world) newOperator() (*operator, error) {
	// The paths of sockets must be short.
	sockets, err := os.MkdirTemp("", "hand")
	if err != nil {
		return nil, err
	}
	o := &operator{w: w, config: filepath.Join(w.directory, "ssh_config"), script: filepath.Join(w.directory, "release.sh"), sockets: sockets}
	var config, known strings.Builder
	for _, h := range append(w.Hosts[:3:3], w.Balancers...) {
		key := filepath.Join(w.directory, "key-"+h.Name)
		if err := os.WriteFile(key, []byte(h.Key), 0o600); err != nil {
			return o, err
		}
		fmt.Fprintf(&config, "Host %s\n  HostName %s\n  Port %d\n  IdentityFile %s\n", h.Name, h.Address, h.Port, key)
		fmt.Fprintf(&known, "[%s]:%d %s\n", h.Address, h.Port, h.HostKey)
	}
	file := filepath.Join(w.directory, "known_hosts")
	fmt.Fprintf(&config, "Host *\n  User root\n  IdentitiesOnly yes\n  StrictHostKeyChecking yes\n  UserKnownHostsFile %s\n  LogLevel ERROR\n"+
		"  ControlMaster auto\n  ControlPersist 10s\n  ControlPath %s/%%n\n", file, sockets)
	for path, content := range map[string]string{file: known.String(), o.config: config.String(), o.script: string(releaseScript)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return o, err
		}
	}
	return o, nil
}

// close ends the shared connections.
func (o *operator) close(ctx context.Context) {
	for _, h := range append(o.w.Hosts[:3:3], o.w.Balancers...) {
		_ = o.command(ctx, "ssh", "-F", o.config, "-O", "exit", h.Name).Run() // there may be none
	}
	_ = os.RemoveAll(o.sockets)
}

func (o *operator) command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.WaitDelay = time.Second
	return cmd
}

// release makes one. Like Terraform, each logs in anew.
func (o *operator) release(ctx context.Context, steps string, pause time.Duration) (time.Duration, error) {
	w := o.w
	old, slot, port := blue, green, w.HandGreen
	if o.releases%2 == 0 {
		old, slot, port = green, blue, w.HandBlue
	}
	if o.releases == 0 {
		old = ""
	}
	o.releases++
	for _, h := range append(w.Hosts[:3:3], w.Balancers...) {
		_ = o.command(ctx, "ssh", "-F", o.config, "-O", "exit", h.Name).Run() // there may be none
	}
	cmd := o.command(ctx, "bash", o.script, w.instance, "1."+strconv.Itoa(o.releases), old, slot)
	cmd.Env = append(os.Environ(), "CONFIG="+o.config, "HOSTS="+names(w.Hosts), "BALANCERS="+names(w.Balancers), "PORT="+strconv.Itoa(port),
		"STATS="+strconv.Itoa(w.StatsPort), "STEPS="+steps, "PAUSE="+strconv.FormatFloat(pause.Seconds(), 'f', 3, 64))
	log, err := os.Create(filepath.Join(w.directory, "logs", fmt.Sprintf("by-hand-%d.log", o.releases)))
	if err != nil {
		return 0, err
	}
	defer func() { _ = log.Close() }()
	// A file: the shared connections hold on to it for longer than the script runs.
	cmd.Stdout, cmd.Stderr = log, log
	began := time.Now()
	err = cmd.Run()
	took := time.Since(began)
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		return took, fmt.Errorf("release by hand: %w\n%s", err, said)
	}
	return took, nil
}

func names(hosts []*nspawn.Host) string {
	all := make([]string, len(hosts))
	for i, h := range hosts {
		all[i] = h.Name
	}
	return strings.Join(all, " ")
}

// byHand makes the same releases by the provider and by hand, in turn.
func (w *world) byHand(ctx context.Context) error {
	if w.options.byHand == 0 {
		return nil
	}
	if err := w.first(ctx); err != nil {
		return err
	}
	o, err := w.newOperator()
	if o != nil {
		defer o.close(context.WithoutCancel(ctx))
	}
	if err != nil {
		return err
	}
	fmt.Printf("\nThe same release by the provider (terraform apply, from its start to its end) and by hand (tools/bench/machines/release.sh): three hosts at once, 10, 50 and 100 %%, %s at the first two\n", w.options.pause)
	if _, err := o.release(ctx, "", 0); err != nil { // the first one has nothing to take the place of
		return err
	}
	var ours, hands []float64
	for n := range w.options.byHand {
		took, err := w.release(ctx, false, w.step(10), w.step(50))
		if err != nil {
			return err
		}
		ours = append(ours, took.Seconds())
		if took, err = o.release(ctx, "10 50", w.options.pause); err != nil {
			return err
		}
		hands = append(hands, took.Seconds())
		fmt.Printf("  %d/%d  provider %.2f s, by hand %.2f s\n", n+1, w.options.byHand, ours[n], hands[n])
	}
	// What Terraform takes to look at all of it and change nothing.
	nothing, err := w.again(ctx)
	if err != nil {
		return err
	}
	pauses := 2 * w.options.pause.Seconds()
	our, hand := quantile(ours, 0.5), quantile(hands, 0.5)
	about := fmt.Sprintf("a release with pauses of %g s: ", pauses)
	w.results = append(w.results,
		result.Lower(about+"by the provider, median", our, "s"),
		result.Lower(about+"by hand, median", hand, "s"),
		result.Lower(about+"provider over by hand", our/hand, "times").AtMost(1.1),
		result.Lower("the same without the pauses: by the provider, median", our-pauses, "s"),
		result.Lower("the same without the pauses: by hand, median", hand-pauses, "s"),
		result.Lower("the same without the pauses: provider over by hand", (our-pauses)/(hand-pauses), "times"),
		result.Lower("terraform apply that finds nothing to change", nothing.Seconds(), "s"))
	return nil
}
