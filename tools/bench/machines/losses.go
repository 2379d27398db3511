//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/machines/load"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

// requestTimeout of the load.
const requestTimeout = 10 * time.Second

// losses runs the scenarios under one load.
func (w *world) losses(ctx context.Context, rate int) error {
	if slices.Equal(w.options.only, []string{noScenario}) {
		return nil
	}
	if err := w.first(ctx); err != nil {
		return err
	}
	fmt.Printf("\n%d requests a second, half of them on fresh connections, one in a hundred answered after 300 ms, through both HAProxy\n", rate)
	fmt.Printf("%-44s %8s %8s %8s %8s  %-26s %-22s %s\n", "", "sent", "answered", "on purp.", "lost", "sent late ms, p50 p99 max", "answered in, p50 p99", "load's own CPU")
	for _, s := range scenarios {
		if !w.options.wants(s.name) {
			continue
		}
		t, err := w.under(ctx, rate, s.about, func(ctx context.Context) error { return s.do(w, ctx) })
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		name := fmt.Sprintf("%d requests a second, %s: ", rate, s.about)
		w.results = append(w.results, result.Lower(name+"lost", float64(t.Lost), "requests").AtMost(0))
		w.results = append(w.results, sizes(name, t)...)
		if t.Lost > 0 {
			w.wrong = append(w.wrong, fmt.Errorf("%slost %d of %d: %s", name, t.Lost, t.Sent, t.Why()))
		}
	}
	if w.options.wants(killedInstance) {
		return w.instances(ctx, rate)
	}
	return nil
}

// first makes the first release, once.
func (w *world) first(ctx context.Context) error {
	if w.releases > 0 {
		return nil
	}
	_, err := w.release(ctx, false)
	return err
}

func sizes(name string, t load.Tally) []result.Result {
	return []result.Result{
		result.Higher(name+"sent", float64(t.Sent), "requests"),
		result.Higher(name+"answered", float64(t.Answered), "requests"),
		result.Lower(name+"sent late, 99th percentile", quantile(t.Late, 0.99), "ms"),
		result.Lower(name+"answered in, 99th percentile", quantile(t.Took, 0.99), "ms"),
	}
}

// calm is how long the load flows before and after a scenario.
const calm = time.Second

// under runs something under load and prints a line.
func (w *world) under(ctx context.Context, rate int, about string, do func(context.Context) error) (load.Tally, error) {
	// The load must not end before what it is there for.
	running, err := load.Start(context.WithoutCancel(ctx), load.Options{
		Targets: w.targets(), Rate: rate, Path: "/", SlowPath: "/slow", SlowEvery: 100, Timeout: requestTimeout,
	})
	if err != nil {
		return load.Tally{}, err
	}
	began, cpu := time.Now(), ownCPU()
	err = w.pass(ctx, calm)
	if err == nil {
		err = do(ctx)
	}
	if err == nil {
		err = w.pass(ctx, calm)
	}
	used, took := ownCPU()-cpu, time.Since(began)
	t := running.Stop()
	fmt.Printf("%-44s %8d %8d %8d %8d  %6.2f %8.2f %8.1f   %6.2f %8.1f       %.0f %%\n", about, t.Sent, t.Answered, t.FailedOnPurpose, t.Lost,
		quantile(t.Late, 0.5), quantile(t.Late, 0.99), quantile(t.Late, 1), quantile(t.Took, 0.5), quantile(t.Took, 0.99), 100*used.Seconds()/took.Seconds())
	if t.Lost > 0 {
		err = errors.Join(err, w.told(about, rate, t))
	}
	if t.Sent != t.Ended() {
		err = errors.Join(err, fmt.Errorf("%d requests were sent, and of %d is known what became of them", t.Sent, t.Ended()))
	}
	return t, err
}

// told prints why requests were lost, and writes each to a file.
func (w *world) told(about string, rate int, t load.Tally) error {
	fmt.Printf("    lost within %.2f s: %s\n", t.LostTo.Sub(t.LostFrom).Seconds(), t.Why())
	lines := make([]string, len(t.Losses))
	for i, l := range t.Losses {
		lines[i] = l.String()
	}
	path := filepath.Join(w.directory, "logs", fmt.Sprintf("lost, %d, %s.txt", rate, about))
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// instances kills an instance of stable in the middle of the split, and without a release.
func (w *world) instances(ctx context.Context, rate int) error {
	var ours, alone, sent int64
	var why [2][]string
	for range w.options.kills {
		t, err := w.underKill(ctx, rate, "an instance of stable killed, no release", func(ctx context.Context) (time.Time, error) {
			stable, err := w.stable(ctx)
			if err != nil {
				return time.Time{}, err
			}
			return w.killInstance(ctx, stable)
		})
		if err != nil {
			return fmt.Errorf("an instance killed without a release: %w", err)
		}
		alone, why[0] = alone+t.Lost, append(why[0], t.Why())
		t, err = w.underKill(ctx, rate, "an instance of stable killed at 50 %", func(ctx context.Context) (time.Time, error) {
			r, stable, err := w.atHalf(ctx, false, w.step(50))
			if err != nil {
				return time.Time{}, err
			}
			at, err := w.killInstance(ctx, stable)
			return at, errors.Join(err, r.wait())
		})
		if err != nil {
			return fmt.Errorf("an instance killed at 50 %%: %w", err)
		}
		ours, sent, why[1] = ours+t.Lost, sent+t.Sent, append(why[1], t.Why())
	}
	fmt.Printf("    lost by HAProxy alone: %q; with a release: %q\n", why[0], why[1])
	name := fmt.Sprintf("%d requests a second, an instance of stable killed, %d times: ", rate, w.options.kills)
	w.results = append(w.results,
		result.Lower(name+"lost by HAProxy alone", float64(alone), "requests"),
		// How many requests a kill meets is chance: two standard deviations of the difference of two such counts.
		result.Lower(name+"lost with a release at 50 %", float64(ours), "requests").AtMost(float64(alone)+2*math.Sqrt(float64(alone+ours))),
		result.Higher(name+"sent with a release at 50 %", float64(sent), "requests"))
	return nil
}

// aftermath is how long after a kill requests may be lost by it: until both HAProxy know.
const aftermath = 2 * time.Second

// underKill is under, for something that kills an instance and says when. What was lost at another time is wrong.
func (w *world) underKill(ctx context.Context, rate int, about string, do func(context.Context) (time.Time, error)) (load.Tally, error) {
	var at time.Time
	t, err := w.under(ctx, rate, about, func(ctx context.Context) (err error) {
		at, err = do(ctx)
		return err
	})
	if err != nil {
		return t, err
	}
	for _, l := range t.Losses {
		if l.Ended.Before(at) || l.Began.After(at.Add(aftermath)) {
			w.wrong = append(w.wrong, fmt.Errorf("%d requests a second, %s: lost, and not by the kill at %s: %s", rate, about, at.Format("15:04:05.000"), l))
		}
	}
	return t, nil
}

// killInstance kills the instance on the first host, says when, and waits until it runs again, and both HAProxy know.
func (w *world) killInstance(ctx context.Context, slot string) (at time.Time, err error) {
	unit := "production-web-" + slot + "-0.service"
	h := w.Hosts[0]
	pid, err := h.Run(ctx, "systemctl show --value -p MainPID "+unit)
	if err != nil {
		return at, err
	}
	at = time.Now()
	if _, err := h.Run(ctx, "systemctl kill -s KILL --kill-who=main "+unit); err != nil {
		return at, err
	}
	if err := w.until(ctx, "the instance that was killed runs again", func() (bool, error) {
		now, err := h.Run(ctx, "systemctl show --value -p MainPID "+unit)
		return strings.TrimSpace(now) != "0" && now != pid, err
	}); err != nil {
		return at, err
	}
	return at, w.until(ctx, "HAProxy holds the instance that was killed to be up", func() (bool, error) {
		up := 0
		for _, lb := range w.Balancers {
			servers, err := w.runtime(lb).Servers(ctx, backend)
			if err != nil {
				return false, err
			}
			for _, s := range servers {
				if s.Name == slot+"-"+h.Name && (s.Eligible() || s.Admin.Maint()) {
					up++
				}
			}
		}
		return up == len(w.Balancers), nil
	})
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// quantile is the value below which a share q of the sample lies; 0 where it is empty.
func quantile[T float32 | float64](sample []T, q float64) float64 {
	if len(sample) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(sample))
	return float64(sorted[int(q*float64(len(sorted)-1))])
}
