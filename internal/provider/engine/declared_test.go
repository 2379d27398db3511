package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func refused(t *testing.T, err error, summary string, parts ...string) {
	t.Helper()
	var told *delivery.Error
	if !errors.As(err, &told) || told.Summary != summary {
		t.Fatalf("got %v, want %s", err, summary)
	}
	for _, part := range parts {
		if !strings.Contains(told.Detail(), part) {
			t.Errorf("%q is not in %s", part, told.Detail())
		}
	}
}

func TestSecondStageOfAKind(t *testing.T) {
	e := New(nil, nil, 0)
	for _, stage := range service.Stages {
		if err := e.DeclareStage("production/web", stage, Declaration{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.DeclareStage("production/api", service.StageRelease, Declaration{}); err != nil {
		t.Fatalf("another service's: %v", err)
	}
	refused(t, e.DeclareStage("production/web", service.StageRelease, Declaration{}), "Stage Declared Twice", "deploy_release", "production/web")
}

func TestReplacementIsNotASecondOne(t *testing.T) {
	e := New(nil, nil, 0)
	for _, d := range []Declaration{{Existing: true}, {Replacing: true}} {
		if err := e.DeclareStage("production/web", service.StagePreflight, d); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, e.DeclareStage("production/web", service.StagePreflight, Declaration{Existing: true}), "Stage Declared Twice")
}

func TestSecondService(t *testing.T) {
	e := New(nil, nil, 0)
	if err := e.DeclareService("production/web", Declaration{}); err != nil {
		t.Fatal(err)
	}
	refused(t, e.DeclareService("production/web", Declaration{}), "Service Declared Twice", "production/web")
}

func TestRunBudget(t *testing.T) {
	e := New(nil, nil, 10*time.Minute)
	declare := func(id service.ID, stage service.Stage, worst time.Duration) error {
		return e.DeclareStage(id, stage, Declaration{Existing: true, WorstCase: worst})
	}
	for _, err := range []error{
		declare("production/web", service.StageRelease, 6*time.Minute),
		declare("production/api", service.StageRelease, 9*time.Minute),
		declare("production/web", service.StageSmokeTest, 4*time.Minute),
		declare("production/web", service.StageFinalization, 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	refused(t, declare("production/web", service.StageVerification, 30*time.Second), "Run Budget Exceeded",
		"at least 10m30s", "planned so far", "run_budget is 10m", "deploy_release: 6m", "deploy_smoke_test: 4m", "deploy_verification: 30s")
	if err := declare("production/web", service.StageCheckpoint, time.Minute); err != nil {
		t.Errorf("it is said twice: %v", err)
	}
	var told *delivery.Error
	if err := declare("production/api", service.StageTrafficSplit, time.Hour); !errors.As(err, &told) || len(told.Path) != 1 || told.Path[0] != "steps" {
		t.Errorf("got %v, want it at the split's steps", err)
	}
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "45s": 45 * time.Second, "10m": 10 * time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour, "1h5m": 65 * time.Minute,
		"1h0m5s": time.Hour + 5*time.Second, "2s": 1600 * time.Millisecond,
	} {
		got := FormatDuration(d)
		if got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
		if parsed, err := time.ParseDuration(got); err != nil || FormatDuration(parsed) != got {
			t.Errorf("%s does not come back: %v", got, err)
		}
	}
}
