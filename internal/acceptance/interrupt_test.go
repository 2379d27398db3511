package acceptance_test

import (
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// asked is what a client that keeps asking has seen.
type asked struct {
	requests int
	// lost were refused, cut off, timed out, or answered with an error.
	lost []string
}

// traffic asks the router all the time, until the returned function is called.
func (r *rig) traffic() func() asked {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan asked)
	go func() {
		var seen asked
		client := &http.Client{Timeout: 10 * time.Second}
		urls := r.urls()
		for ctx.Err() == nil {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, urls[seen.requests%len(urls)]+"/", nil)
			if err != nil {
				break
			}
			response, err := client.Do(request)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				seen.lost = append(seen.lost, err.Error())
			case response.StatusCode >= http.StatusInternalServerError:
				seen.lost = append(seen.lost, response.Status)
			}
			if err == nil {
				_ = response.Body.Close()
			}
			seen.requests++
			time.Sleep(r.pause)
		}
		done <- seen
	}()
	return func() asked { cancel(); return <-done }
}

// running is a Terraform that has been started.
type running struct {
	*exec.Cmd
	output bytes.Buffer
	done   chan struct{}
}

func (r *rig) start(args ...string) *running {
	r.t.Helper()
	return r.begun(r.command(context.Background(), args...))
}

func (r *rig) begun(cmd *exec.Cmd) *running {
	r.t.Helper()
	run := &running{Cmd: cmd, done: make(chan struct{})}
	run.Stdout, run.Stderr = &run.output, &run.output
	if err := run.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_ = run.Wait()
		close(run.done)
	}()
	r.t.Cleanup(func() { _ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL) })
	return run
}

func (r *rig) wait(run *running) int {
	r.t.Helper()
	select {
	case <-run.done:
		return run.ProcessState.ExitCode()
	case <-time.After(patience):
		r.t.Fatalf("terraform did not end within %s:\n%s", patience, run.output.String())
		return -1
	}
}

// inTheMiddle applies a configuration that holds in a stage, and returns when it is there.
func (r *rig) inTheMiddle(stage service.Stage, version string) *running {
	r.t.Helper()
	r.write(config{Version: version, Holds: stage}.hcl(r))
	run := r.start("apply", "-auto-approve", "-no-color", "-input=false")
	r.await("the middle of "+string(stage), func() bool {
		select {
		case <-run.done:
			r.t.Fatalf("terraform ended before the middle of %s:\n%s", stage, run.output.String())
		default:
		}
		a := r.view(web).State.OpenAttempt()
		if a == nil || a.Stage != stage {
			return false
		}
		switch stage {
		case service.StageRelease:
			return r.running(web) > 0 && len(r.view(web).State.Pending) == 0
		case service.StageTrafficSplit:
			return a.Weight == 50
		}
		return true
	})
	return run
}

// SIGINT in the middle of each stage: restored before Terraform exits.
func TestInterruptInTheMiddleOfEachStage(t *testing.T) {
	t.Parallel()
	for _, stage := range service.Stages {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, true)
			good := config{Version: "1"}
			r.deploy(good)
			run := r.inTheMiddle(stage, "2")
			if err := syscall.Kill(-run.Process.Pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if code := r.wait(run); code != 1 {
				t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
			}
			wantSaid(t, run.output.String(), "Restored and verified:", "Running now: production/web/1-", "Next:")
			r.runs("1")
			r.write(config{Version: "2", Holds: stage}.hcl(r))
			wantActions(t, r.plan(), allOf("update", "service"))
			r.write(good.hcl(r))
			wantActions(t, r.plan(), map[string]string{})
		})
	}
}

// kill -9 of the provider in the middle of each stage: the next plan warns; the next apply recovers first and goes on;
// the reverted HCL recovers and is empty after that.
func TestKillInTheMiddleOfEachStage(t *testing.T) {
	t.Parallel()
	for _, stage := range service.Stages {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, true)
			good := config{Version: "1"}
			r.deploy(good)
			for _, reverted := range []bool{false, true} {
				version := map[bool]string{false: "2", true: "3"}[reverted]
				run := r.inTheMiddle(stage, version)
				if killProviders(t, run.Process.Pid) == 0 {
					t.Fatal("the provider's process is not there")
				}
				r.wait(run)
				// The same release, which holds no more: the stage that held is another argument alone.
				again := config{Version: version}
				if stage == service.StageRelease {
					again.Config = nil
				}
				if reverted {
					again = good
				}
				r.write(again.hcl(r))
				r.await("the attempt to be interrupted", func() bool { return r.view(web).Interrupted() != nil })
				p := r.plan()
				if reverted {
					wantActions(t, p, map[string]string{"service": "update"})
				} else {
					wantActions(t, p, allOf("update"))
					if !strings.Contains(p.text, "Warning:") {
						t.Errorf("the plan does not warn:\n%s", p.text)
					}
				}
				if stage == service.StageTrafficSplit {
					golden(t, map[bool]string{false: "killed-same", true: "killed-reverted"}[reverted], p.text)
				}
				before, after := p.change("deploy_service.web")
				if before["status"] != "interrupted" || after["status"] != "ready" {
					t.Errorf("status goes from %v to %v", before["status"], after["status"])
				}
				r.apply(0)
				wantActions(t, r.plan(), map[string]string{})
				r.runs(again.Version)
				good = again
			}
		})
	}
}

// The same on a first install: there is nothing to go back to, so nothing is left, and the next apply begins anew.
func TestCutShortInTheMiddleOfTheFirstInstall(t *testing.T) {
	t.Parallel()
	for _, stage := range service.Stages {
		if stage == service.StageTrafficSplit {
			continue // The first release has nothing to split with: the stage has no middle.
		}
		for name, sign := range map[string]syscall.Signal{"interrupted": syscall.SIGINT, "killed": syscall.SIGKILL} {
			t.Run(string(stage)+" "+name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, true)
				run := r.inTheMiddle(stage, "1")
				if sign == syscall.SIGKILL {
					if killProviders(t, run.Process.Pid) == 0 {
						t.Fatal("the provider's process is not there")
					}
				} else if err := syscall.Kill(-run.Process.Pid, sign); err != nil {
					t.Fatal(err)
				}
				if code := r.wait(run); code != 1 {
					t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
				}
				want := allOf("create", "service")
				if sign == syscall.SIGKILL {
					r.await("the attempt to be interrupted", func() bool { return r.view(web).Interrupted() != nil })
					want["service"] = "update"
				} else if n := len(r.processes()); n != 0 {
					t.Errorf("%d processes are left", n)
				}
				good := config{Version: "2"}
				r.write(good.hcl(r))
				wantActions(t, r.plan(), want)
				r.apply(0)
				wantActions(t, r.plan(), map[string]string{})
				r.runs("2")
			})
		}
	}
}

// kill -9 of the provider at five moments of a split: each time the next apply recovers and goes on, and no request of a
// client that keeps asking is lost.
func TestKillAtFiveMomentsOfTheSplit(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	stop := r.traffic()
	for i, moment := range []time.Duration{0, 400 * time.Millisecond, 900 * time.Millisecond, 1500 * time.Millisecond, 2300 * time.Millisecond} {
		next := config{Version: string(rune('2' + i)), Pause: "4s"}
		r.write(next.hcl(r))
		run := r.start("apply", "-auto-approve", "-no-color", "-input=false")
		r.await("the split", func() bool {
			a := r.view(web).State.OpenAttempt()
			return a != nil && a.Stage == service.StageTrafficSplit
		})
		time.Sleep(moment) // Which moment it is does not matter: all of them must end well.
		if killProviders(t, run.Process.Pid) == 0 {
			t.Fatalf("the provider is gone %s after the split began, before it could be killed:\n%s", moment, run.output.String())
		}
		if code := r.wait(run); code == 0 {
			t.Errorf("the apply succeeded without its provider:\n%s", run.output.String())
		}
		r.apply(0)
		wantActions(t, r.plan(), map[string]string{})
		r.runs(next.Version)
	}
	if seen := stop(); len(seen.lost) > 0 || seen.requests < 100 {
		t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost)
	}
}
