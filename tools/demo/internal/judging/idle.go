package judging

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/figures"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/jitter"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

// period of the timers whose lateness is measured: the client's own, at its rate.
const period = time.Second / rate

func startMeter(ctx context.Context) *jitter.Meter { return jitter.Start(ctx, period) }

// idleness is how the machine does while no release is introduced, in milliseconds.
type idleness struct {
	// late are timers while nothing is asked of the service, latency the client's requests when it alone asks.
	late, latency figures.Sample
}

// measureIdle measures each for as long as given.
func (w *world) measureIdle(ctx context.Context, length time.Duration) (idleness, error) {
	w.client.Stop()
	meter := startMeter(ctx)
	err := pass(ctx, length)
	idle := idleness{late: milliseconds(meter.Stop())}
	w.send(ctx)
	if err != nil {
		return idle, err
	}
	mark := w.log.Mark()
	if err := pass(ctx, length); err != nil {
		return idle, err
	}
	for _, r := range w.log.Between(mark, w.log.Mark()) {
		if r.Class() != traffic.Good {
			return idle, fmt.Errorf("measure the idle system: a request was %s, with status %d (%s)", r.Class(), r.Status, r.Error)
		}
		idle.latency = append(idle.latency, inMilliseconds(r.Ended.Sub(r.Started)))
	}
	return idle, nil
}

// pass lets time pass.
func pass(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait %s: %w", length, ctx.Err())
	case <-time.After(length):
		return nil
	}
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func milliseconds(durations []time.Duration) figures.Sample {
	var s figures.Sample
	for _, d := range durations {
		s = append(s, inMilliseconds(d))
	}
	return s
}
