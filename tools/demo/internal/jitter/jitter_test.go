package jitter_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/jitter"
)

func TestMeter(t *testing.T) {
	began := time.Now()
	meter := jitter.Start(t.Context(), time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	late := meter.Stop()
	took := time.Since(began)
	// How late they are is the machine's; that they add up to no more than the time that has passed is ours.
	var sum time.Duration
	for _, l := range late {
		if l < 0 {
			t.Errorf("a timer was early by %s", -l)
		}
		sum += l + time.Millisecond
	}
	if len(late) == 0 || sum > took {
		t.Errorf("%d timers took %s of %s", len(late), sum, took)
	}
}
