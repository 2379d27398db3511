package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// found is the world of a service as an operator accepts it.
type found struct {
	// attempt is the one that is open, or whose restore failed; nil: nothing is to be accepted.
	attempt *ledger.Attempt
	// carries is the release that carries the traffic, empty where nothing runs.
	carries service.ReleaseID
	// kept are the other releases that run, and those that were kept before; remaining are others that are recorded, and not seen to run, as
	// where a machine does not answer: nothing that runs, or may, is forgotten.
	kept, remaining []service.ReleaseID

	snapshot service.Snapshot
}

// AcceptPlan says what Accept is about to do. It changes nothing.
func (p *Procedure) AcceptPlan(ctx context.Context) (string, error) {
	view, err := p.readDefined(ctx)
	if err != nil {
		return "", err
	}
	adapters, err := p.run.connector.Adapters(*view.State.Definition)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", p.id, err)
	}
	f, err := (&work{procedure: p, adapters: adapters}).lookAround(ctx, &view.State)
	if err != nil {
		return "", err
	}
	if f.attempt == nil {
		return "nothing was open or broken: the ledger stays as it is", nil
	}
	return f.words(view.State.Stable), nil
}

func (f found) words(stable service.ReleaseID) string {
	text := fmt.Sprintf("nothing is changed in the world; %s carries the traffic and is stable from now on", f.carries)
	switch f.carries {
	case "":
		text = "nothing is changed in the world; nothing of the service runs"
	case stable:
		text = fmt.Sprintf("nothing is changed in the world; %s carries the traffic and stays stable", f.carries)
	}
	if len(f.snapshot.Weights) > 0 {
		text += fmt.Sprintf(" (weights: %s)", shares(f.snapshot.Weights))
	}
	if len(f.kept) > 0 {
		text += "; kept as they are: " + listed(f.kept)
	}
	if len(f.remaining) > 0 {
		text += "; not seen to run, and removed by the next release, or a recovery: " + listed(f.remaining)
	}
	return alsoSaying(text, f.leaving())
}

// leaving says which instances that were seen to run are about to be gone, empty where none is.
func (f found) leaving() string {
	going := slices.DeleteFunc(slices.Clone(f.snapshot.Instances), func(i service.InstanceState) bool { return !i.Stopping })
	if len(going) == 0 {
		return ""
	}
	return "ABOUT TO BE GONE: " + describe(going)
}

func listed(releases []service.ReleaseID) string {
	names := make([]string, len(releases))
	for i, r := range releases {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Accept takes the world as it is: the ledger says what runs, and nothing is changed.
func (p *Procedure) Accept(ctx context.Context) (string, error) {
	w, end, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	f, err := w.lookAround(ctx, w.state())
	if err != nil {
		return "", err
	}
	a := f.attempt
	if a == nil {
		return "nothing was open or broken: the ledger stays as it is", nil
	}
	if a.Open() {
		end := service.EndAbandoned
		if f.carries == a.Release {
			end = service.EndFinalized
		}
		closing := ledger.Closing{End: end, Kept: f.kept}
		if err := w.append(ctx, ledger.Event{Type: ledger.AttemptClosed, Attempt: a.Number, Release: a.Release, Closing: &closing, Text: "an operator accepted the world as it is"}); err != nil {
			return "", err
		}
	}
	text := alsoSaying(fmt.Sprintf("accepted as it is: %s carries the traffic", orNothing(f.carries)), f.leaving())
	return text, w.append(ctx, ledger.Event{Type: ledger.Accepted, Attempt: a.Number, Release: f.carries, Snapshot: &f.snapshot, Text: text, Closing: &ledger.Closing{Kept: f.kept}, Remaining: f.remaining})
}

// lookAround looks at all of what runs, and which release of it has the traffic: by the router, and without one which answers. Of two
// alike it is stable.
func (w *work) lookAround(ctx context.Context, state *ledger.State) (found, error) {
	f := found{attempt: state.OpenAttempt()}
	if f.attempt == nil && state.Broken != nil {
		f.attempt = state.Attempt(state.Broken.Attempt)
	}
	if f.attempt == nil {
		return f, nil
	}
	var running []service.ReleaseID
	most := 0
	for _, id := range []service.ReleaseID{state.Stable, f.attempt.Release} {
		r, recorded := state.Releases[id]
		if !recorded || !r.Placement.Placed() || slices.Contains(running, id) {
			continue
		}
		snapshot, err := w.inspect(ctx, r)
		if err != nil {
			return f, err
		}
		f.snapshot.Weights, f.snapshot.TakenAt = snapshot.Weights, snapshot.TakenAt
		if !runsAny(r, snapshot.Instances) {
			continue
		}
		f.snapshot.Instances = append(f.snapshot.Instances, snapshot.Instances...)
		running = append(running, id)
		if share := w.shareOf(ctx, r, snapshot); 2*share >= 100 && share > most {
			f.carries, most = id, share
		}
	}
	if f.carries == "" && len(running) > 0 {
		return f, refuse("Nothing Carries The Traffic", fmt.Sprintf("No release of %s that runs has the traffic: %s", w.procedure.id, whereItGoes(f.snapshot)),
			"Give the traffic to a release that runs, or mend one, by hand, and accept again; or `recover`.")
	}
	more, remaining, err := w.lookBeside(ctx, state, running)
	if err != nil {
		return f, err
	}
	f.remaining = remaining
	for _, id := range slices.Concat(running, state.Kept, more) {
		if id != f.carries && !slices.Contains(f.kept, id) {
			f.kept = append(f.kept, id)
		}
	}
	return f, nil
}

// lookBeside looks, where machines answer, at releases that are recorded and neither stable nor kept, but for those that are known to run: which of
// them do, and which were not seen to.
func (w *work) lookBeside(ctx context.Context, state *ledger.State, known []service.ReleaseID) (running, others []service.ReleaseID, err error) {
	for _, id := range state.Beside() {
		if slices.Contains(known, id) {
			continue
		}
		part, instances, err := w.answering(ctx, state.Releases[id])
		if err != nil && !isSilent(err) {
			return nil, nil, err
		}
		if runsAny(part, instances) {
			running = append(running, id)
		} else {
			others = append(others, id)
		}
	}
	return running, others, nil
}

// shareOf is a running release's share of the traffic in whole percent. Without a router it is all or nothing.
func (w *work) shareOf(ctx context.Context, r service.Release, snapshot service.Snapshot) int {
	switch {
	case snapshot.Weights != nil:
		return snapshot.Weights[r.Placement.Slot]
	case w.serves(ctx, r) == nil:
		return 100
	}
	return 0
}

func whereItGoes(s service.Snapshot) string {
	text := describe(s.Instances)
	if s.Weights == nil {
		return text + "; none of them answers as its health says"
	}
	return text + "; the router's weights are " + shares(s.Weights)
}
