package check_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/check"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// generous bounds what must not hang; no test waits for it when all is well.
const generous = time.Minute

type credentials map[string]string

func (c credentials) Lookup(name string) (string, error) {
	if value, found := c[name]; found {
		return value, nil
	}
	return "", errors.New("not given: set DEPLOY_CREDENTIAL_" + strings.ToUpper(name))
}

// target is a release with an instance at each address.
func target(addresses ...string) delivery.Target {
	id := service.ReleaseID("production/web/1.8.2-5c1f9e0b")
	r := service.Release{ID: id, Content: service.Content{Version: "1.8.2"}}
	r.Placement = service.Placement{Release: id, Slot: "green"}
	for i, a := range addresses {
		r.Placement.Instances = append(r.Placement.Instances, service.Instance{Name: "green/" + string(rune('0'+i)), Address: a})
	}
	return delivery.Target{Release: r, Secrets: credentials{}}
}

func run(t *testing.T, c service.Check, to delivery.Target) service.CheckResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), generous)
	defer cancel()
	return runContext(ctx, t, c, to)
}

func runContext(ctx context.Context, t *testing.T, c service.Check, to delivery.Target) service.CheckResult {
	t.Helper()
	checker, err := check.New("it", c)
	if err != nil {
		t.Fatal(err)
	}
	r := checker.Run(ctx, to)
	if r.Name != "it" || r.Asked == "" || r.Got == "" || r.Took <= 0 {
		t.Errorf("the result says too little: %+v", r)
	}
	if len(r.Evidence) > 4<<10 || strings.Contains(r.Got, "\n") || strings.Contains(r.Asked, "\n") {
		t.Errorf("the result is not bounded: %+v", r)
	}
	return r
}

// wantPass and wantFail look at the verdict and at what the line says.
func wantPass(t *testing.T, r service.CheckResult, got ...string) {
	t.Helper()
	if !r.Passed {
		t.Errorf("failed: %s\n%s", r.Got, r.Evidence)
	}
	wantGot(t, r, got...)
}

func wantFail(t *testing.T, r service.CheckResult, got ...string) {
	t.Helper()
	if r.Passed {
		t.Errorf("passed: %s", r.Got)
	}
	wantGot(t, r, got...)
}

func wantGot(t *testing.T, r service.CheckResult, got ...string) {
	t.Helper()
	for _, part := range got {
		if !strings.Contains(r.Got, part) {
			t.Errorf("got %q, which does not say %q", r.Got, part)
		}
	}
}

func pointer[T any](v T) *T { return &v }

const second = service.Duration(time.Second)
