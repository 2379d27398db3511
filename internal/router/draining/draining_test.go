package draining

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// answers are what one look after another finds, the last of them for ever.
func answers(counts ...int) (looks *int, inFlight func(context.Context) (int, error)) {
	looks = new(int)
	return looks, func(context.Context) (int, error) {
		count := counts[min(*looks, len(counts)-1)]
		*looks++
		return count, nil
	}
}

func TestWait(t *testing.T) {
	for name, c := range map[string]struct {
		counts []int
		looks  int
	}{
		"nothing":           {[]int{0}, quietLooks},
		"some that end":     {[]int{3, 1, 0}, 2 + quietLooks},
		"one comes back":    {[]int{0, 0, 0, 1, 0}, 4 + quietLooks},
		"one for each look": {[]int{1, 0, 1, 0, 1, 0}, 5 + quietLooks},
	} {
		looks, inFlight := answers(c.counts...)
		if err := Wait(t.Context(), "green", time.Minute, inFlight); err != nil || *looks != c.looks {
			t.Errorf("%s: %v after %d looks, want %d", name, err, *looks, c.looks)
		}
	}
}

func TestWaitEnds(t *testing.T) {
	_, busy := answers(3)
	err := Wait(t.Context(), "green", time.Millisecond, busy)
	if err == nil || !strings.Contains(err.Error(), "drain timeout of 1ms") || !strings.Contains(err.Error(), "3 requests in flight to slot green") {
		t.Errorf("what is left after the timeout: %v", err)
	}
	// Nothing was in flight, and there was no time to be sure of it.
	if _, idle := answers(0); Wait(t.Context(), "green", time.Millisecond, idle) != nil {
		t.Error("nothing that is in flight is cut off")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Wait(ctx, "green", time.Minute, busy); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	broken := errors.New("broken")
	if err := Wait(t.Context(), "green", time.Minute, func(context.Context) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("who cannot be asked: %v", err)
	}
}
