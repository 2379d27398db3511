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

// cutAfter is how many answers of the candidate the client must have seen before an apply is cut: then it is in the
// middle of its split.
const cutAfter = 10

// apply applies a saved plan of a version, shows where it stands meanwhile, and cuts it short where cut says so.
func (d *Demo) apply(ctx context.Context, plan, version string, cut Cut) (terraform.Result, error) {
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
	cutting := d.cut(running, cut, version, mark)
	result, err := running.Finish()
	stop()
	if err = errors.Join(err, cutting); err != nil {
		return result, fmt.Errorf("apply %s: %w", version, err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(result.Stderr), "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			d.say("    %s", line)
		}
	}
	return result, nil
}

// cut waits until the client meets the candidate, then does what cut says.
func (d *Demo) cut(running *terraform.Running, cut Cut, version string, mark int) error {
	if cut == NoCut {
		return nil
	}
	for traffic.AnswersOf(d.log.Between(mark, d.log.Mark()), version) < cutAfter {
		select {
		case <-running.Ended():
			return fmt.Errorf("%s was to happen when %s had taken %d requests, and the apply ended before", cut, version, cutAfter)
		case <-time.After(20 * time.Millisecond):
		}
	}
	switch cut {
	case CtrlC:
		d.say("  ^C  (%s has answered %d requests)", version, cutAfter)
		return running.Signal(syscall.SIGINT)
	case KillProvider:
		killed, err := running.KillProvider(d.mirror)
		for _, pid := range killed {
			d.say("  kill -9 %d  (the provider; %s has answered %d requests)", pid, version, cutAfter)
		}
		return err
	case NoCut:
	}
	return nil
}
