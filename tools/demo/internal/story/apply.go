package story

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

// amidAfter is how many answers of the candidate the client must have seen before there is trouble: then the apply is in
// the middle of its split.
const amidAfter = 10

// apply applies a saved plan of a version, shows where it stands meanwhile, and makes trouble amid it where there is to be some.
func (d *Demo) apply(ctx context.Context, plan, version string, amid Trouble) (terraform.Result, error) {
	d.say("  apply %s", version)
	mark := d.log.Mark()
	running, err := d.cli.Start(ctx, "apply", "-no-color", plan)
	if err != nil {
		return terraform.Result{}, err
	}
	stop, err := d.operator.Follow(ctx, d.out)
	if err != nil {
		// Shown or not, the apply goes on, and how it ends is what counts.
		d.say("    %v", err)
		stop = func() {}
	}
	striking := d.amid(ctx, running, amid, version, mark)
	result, err := running.Finish()
	stop()
	if err = errors.Join(err, striking); err != nil {
		return result, fmt.Errorf("apply %s: %w", version, err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(result.Stderr), "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			d.say("    %s", line)
		}
	}
	return result, nil
}

// amid waits until the client meets the candidate, then makes trouble.
func (d *Demo) amid(ctx context.Context, running *terraform.Running, t Trouble, version string, mark int) error {
	if t == NoTrouble {
		return nil
	}
	for traffic.AnswersOf(d.log.Between(mark, d.log.Mark()), version) < amidAfter {
		select {
		case <-running.Ended():
			return fmt.Errorf("%s was to happen when %s had taken %d requests, and the apply ended before", t, version, amidAfter)
		case <-time.After(20 * time.Millisecond):
		}
	}
	switch t {
	case CtrlC:
		d.say("  ^C  (%s has answered %d requests)", version, amidAfter)
		return running.Signal(syscall.SIGINT)
	case KillProvider:
		killed, err := running.KillProvider(d.mirror)
		for _, pid := range killed {
			d.say("  kill -9 %d  (the provider; %s has answered %d requests)", pid, version, amidAfter)
		}
		return err
	default:
		return d.strike(ctx, t)
	}
}

// strike makes a trouble of the place's.
func (d *Demo) strike(ctx context.Context, t Trouble) error {
	what, err := d.place.Strike(ctx, t)
	if err != nil {
		return fmt.Errorf("%s: %w", t, err)
	}
	d.say("  %s", what)
	return nil
}
