package metrictest

import (
	"context"
	"errors"
	"testing"
)

func late(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	w.Instances[1].Serve(500, 500, slow)
	w.Instances[1].Reach(false)
	if w.Whole {
		w.wantError(t, false)
		w.Instances[1].Reach(true)
		w.Instances[1].Serve(50, 500, slow)
	}
	w.mark(t)
	w.Instances[1].Reach(true)
	// How much of it is older than the mark cannot be told: its first sight is its mark.
	w.Instances[0].Serve(1, 200, fast)
	w.want(t, 1, 0, 0)
	w.Instances[1].Serve(2, 500, slow)
	w.want(t, 2, 2, 2)
}

func fails(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	reach := func(reachable bool) {
		for _, i := range w.Instances {
			i.Reach(reachable)
		}
	}
	reach(false)
	w.wantError(t, false)
	reach(true)
	w.Instances[0].Serve(1, 200, fast)
	w.mark(t) // no mark was set by the failure
	w.Instances[0].Serve(3, 500, fast)
	reach(false)
	w.wantError(t, false)
	w.wantError(t, false)
	w.Instances[1].Serve(4, 200, fast)
	reach(true)
	w.want(t, 7, 3, 0) // the mark is where it was
}

func noData(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	for _, i := range w.Instances {
		i.Forget()
	}
	w.wantError(t, true)
	w.wantError(t, true)
	w.Instances[0].Serve(5, 200, fast)
	w.mark(t) // what had no data set no mark
	w.Instances[0].Serve(1, 500, fast)
	w.want(t, 1, 1, 0)
	// The mark saw the second instance without series: what it has now it has since then.
	w.Instances[1].Serve(3, 500, slow)
	w.want(t, 3, 3, 3)
	for _, i := range w.Instances {
		i.Forget()
	}
	w.wantError(t, true)
	w.Instances[1].Serve(1, 500, fast)
	w.want(t, 1, 1, 0)
}

func cancelled(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 1)
	w.mark(t)
	w.Instances[0].Serve(2, 500, fast)
	w.settle(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.sampler.Sample(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a sample under a context that is over: %v", err)
	}
	if _, _, err := w.Metrics.Value(ctx, w.Placement, w.Requests, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a value under a context that is over: %v", err)
	}
	w.want(t, 2, 2, 0)
}

func values(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	w.Instances[0].Serve(10, 200, fast)
	w.Instances[0].Serve(2, 404, fast)
	w.Instances[1].Serve(30, 200, fast)
	w.settle(t)
	for _, c := range []struct {
		name   string
		labels map[string]string
		sum    float64
		found  bool
	}{
		{w.Requests, nil, 42, true},
		{w.Requests, map[string]string{w.CodeLabel: "200"}, 40, true},
		{w.Requests, map[string]string{w.CodeLabel: "404"}, 2, true},
		{w.Requests, map[string]string{w.CodeLabel: "2"}, 0, false},
		{w.Requests, map[string]string{w.CodeLabel: "200", "nowhere": "x"}, 0, false},
		{"nothing_of_this_name", nil, 0, false},
	} {
		if w.Own && c.labels != nil {
			c.sum, c.found = 0, false
		}
		sum, found, err := w.Metrics.Value(t.Context(), w.Placement, c.name, c.labels)
		if err != nil || sum != c.sum || (found > 0) != c.found {
			t.Errorf("%s%v is %g of %d series (%v), want %g", c.name, c.labels, sum, found, err, c.sum)
		}
	}
	w.Instances[1].Reach(false)
	w.settle(t)
	if sum, _, err := w.Metrics.Value(t.Context(), w.Placement, w.Requests, nil); err == nil {
		t.Errorf("the value is %g without one of the instances", sum)
	}
}
