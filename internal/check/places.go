package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var errNothingToAsk = errors.New("nothing to ask: the release has no instances here")

// instances of the release under test; none is an error.
func instances(t delivery.Target) ([]service.Instance, error) {
	if len(t.Release.Placement.Instances) == 0 {
		return nil, errNothingToAsk
	}
	return t.Release.Placement.Instances, nil
}

// dial opens a connection, as net.Dialer.DialContext does.
type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// dialer connects to an instance as its platform reaches it: a proxy is never asked.
func dialer(t delivery.Target, i service.Instance) dial {
	if t.Platform == nil {
		return new(net.Dialer).DialContext
	}
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		return t.Platform.Dial(ctx, i, address)
	}
}

// ofWhom names the instances that are asked, for people.
func ofWhom(t delivery.Target) string {
	all := t.Release.Placement.Instances
	if len(all) == 0 {
		return "no instance"
	}
	names := make([]string, len(all))
	for i, instance := range all {
		names[i] = fmt.Sprintf("%s (%s)", instance.Name, instance.Address)
	}
	return strings.Join(names, ", ")
}

// answer is what came of asking one place once.
type answer struct {
	ok bool
	// said in one line, and more of it where it helps.
	said, excerpt string
}

// persistence is how often one place is asked.
type persistence struct {
	// retries after failures, whatever the failure; passes that must follow each other without one.
	retries, passes int
	interval        time.Duration
}

// ask asks until the passes are there or the retries are used up, and returns the last answer.
func (p persistence) ask(ctx context.Context, once func(context.Context) answer) answer {
	failures, inRow := 0, 0
	for asked := 1; ; asked++ {
		a := once(ctx)
		if a.ok {
			inRow++
		} else {
			inRow = 0
			failures++
		}
		switch {
		case inRow >= max(p.passes, 1):
			if asked > 1 {
				a.said += fmt.Sprintf(" (asked %d times, %d failed)", asked, failures)
			}
			return a
		case failures > p.retries || ctx.Err() != nil:
			if asked > 1 {
				a.said += fmt.Sprintf(" (asked %d times, %d failed)", asked, failures)
			}
			a.ok = false
			return a
		}
		timer := time.NewTimer(p.interval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return answer{said: fmt.Sprintf("interrupted after asking %d times; the last answer: %s", asked, a.said), excerpt: a.excerpt}
		}
	}
}

// everywhere asks count places side by side and joins their answers: all must be good.
func everywhere(count int, ask func(i int) answer) outcome {
	answers := make([]answer, count)
	var wait sync.WaitGroup
	for i := range count {
		wait.Go(func() {
			o := guarded(func() outcome {
				answers[i] = ask(i)
				return outcome{passed: true}
			})
			if !o.passed {
				answers[i] = answer{said: o.got, excerpt: strings.Join(o.evidence, "\n")}
			}
		})
	}
	wait.Wait()
	o := outcome{passed: count > 0}
	var good, bad []string
	for _, a := range answers {
		if a.ok {
			good = append(good, a.said)
			continue
		}
		o.passed = false
		bad = append(bad, a.said)
		if a.excerpt != "" {
			o.evidence = append(o.evidence, a.excerpt)
		}
	}
	// What failed comes first: the line is bounded.
	o.got = strings.Join(append(bad, good...), "; ")
	return o
}
