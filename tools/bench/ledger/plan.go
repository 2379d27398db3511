//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

// subject is a provider whose plans are measured.
type subject struct {
	title string
	// plugins is the directory of its mirror; beside it, with ".rc" behind, lies the CLI's configuration.
	plugins string
	// dir of the configuration and its state.
	dir string

	times  []time.Duration
	memory []float64
}

// planning measures real plans of unchanged configurations, the subjects in turn, so that each meets the same machine.
func planning(ctx context.Context, f *fleet, subjects []*subject, repetitions int) error {
	for n := range repetitions {
		for _, s := range subjects {
			took, peak, err := s.plan(ctx, f)
			if err != nil {
				return fmt.Errorf("plan with %s: %w", s.title, err)
			}
			fmt.Printf("  %d/%d %-45s %6.2f s\n", n+1, repetitions, s.title, took.Seconds())
			s.times, s.memory = append(s.times, took), append(s.memory, peak)
		}
	}
	return nil
}

// plan makes one plan, which has to be empty.
func (s *subject) plan(ctx context.Context, f *fleet) (time.Duration, float64, error) {
	cmd := f.terraform(ctx, s.plugins, "plan", "-input=false", "-detailed-exitcode", "-lock=false")
	cmd.Dir = s.dir
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	watched := make(chan float64, 1)
	over := make(chan struct{})
	go func() { watched <- peakOfChildren(cmd.Process.Pid, over) }()
	err := cmd.Wait()
	took := time.Since(began)
	close(over)
	peak := <-watched
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 2 {
			err = errors.New("the plan is not empty")
		}
		return 0, 0, fmt.Errorf("%w:\n%s", err, tail(out.String(), 4000))
	}
	return took, peak, nil
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// peakOfChildren is the largest resident memory of a process's child, in MiB: of the provider that Terraform started.
func peakOfChildren(parent int, over <-chan struct{}) float64 {
	peak := 0.0
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return peak
		case <-ticker.C:
		}
		children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
		for _, path := range children {
			data, _ := os.ReadFile(path) //nolint:gosec // of the system
			for _, pid := range strings.Fields(string(data)) {
				peak = max(peak, highWater(pid))
			}
		}
	}
}

// highWater is a process's peak of resident memory in MiB; 0 where it is gone.
func highWater(pid string) float64 {
	data, err := os.ReadFile("/proc/" + pid + "/status") //nolint:gosec // of the system
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

func (s *subject) results() []result.Result {
	title := "plan with " + s.title + ": "
	return []result.Result{
		result.Lower(title+"time (median)", s.median().Seconds(), "s"),
		result.Lower(title+"peak memory of the provider", slices.Max(s.memory), "MiB"),
	}
}

func (s *subject) median() time.Duration {
	sorted := slices.Sorted(slices.Values(s.times))
	return sorted[len(sorted)/2]
}
