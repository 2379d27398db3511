package delivery

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Remembered is what outlived a lost ledger elsewhere: in Terraform's state.
type Remembered struct {
	Definition service.Definition
	// Owner is the token of the service's resource, StoreID the identity of the store that is lost.
	Owner   string
	StoreID string
	// Passed is what each release passed that the state tells of.
	Passed map[service.ReleaseID]Passed
}

// Passed is what a release passed in an attempt.
type Passed struct {
	Attempt  int
	Passages map[service.Stage]ledger.Passage
}

// Survey is what was seen of a service whose ledger is lost.
type Survey struct {
	// Stable carries the traffic, Candidate runs beside it; nil: none does.
	Stable, Candidate *service.Release
	// Kept lie ready, placed last first.
	Kept []service.Release
	// Weights by slot in whole percent; nil without a router.
	Weights map[string]int
}

// Survey looks at what runs of a service whose ledger is lost. It changes nothing. A ledger that is there, or a world in which
// it cannot be told what is stable, is an error.
func (p *Procedure) Survey(ctx context.Context, r Remembered) (Survey, error) {
	view, err := p.Read(ctx)
	if err != nil {
		return Survey{}, err
	}
	if view.State.Definition != nil {
		return Survey{}, refuse("Ledger Not Lost", fmt.Sprintf("There is a ledger of %s at %s: it is never replaced", p.id, p.ledger.Location()),
			fmt.Sprintf("See what it says: `%s history %s`. To take the world as it is, there is `accept`.", operatorBinary, p.id))
	}
	adapters, err := p.run.connector.Adapters(r.Definition)
	if err != nil {
		return Survey{}, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	return p.look(ctx, adapters, r)
}

// look asks the platform and the router what runs of a service.
func (p *Procedure) look(ctx context.Context, adapters Adapters, r Remembered) (Survey, error) {
	releases, err := adapters.Platform.Releases(ctx)
	if err != nil {
		return Survey{}, fmt.Errorf("look for what runs of %s: %w", p.id, err)
	}
	for _, release := range releases {
		// Its id is what it was approved by. A record that somebody has changed, or that was damaged, is another release under that name.
		if is := release.Content.ReleaseID(p.id); is != release.ID {
			return Survey{}, refuse("Record Damaged", fmt.Sprintf("The record of %s has another content than that release: it is that of %s", release.ID, is),
				"Nothing was changed. Put the record, in the directory records beside the release's files, right again from a backup; or move it away, to go on without that release.")
		}
	}
	if placed := lastPlaced(r.Passed); len(releases) == 0 && placed != "" {
		return Survey{}, refuse("Nothing Found Here", fmt.Sprintf("The state remembers %s, and of %s nothing is to be found from here", placed, p.id),
			"Run this where the service runs. Where it is gone there too, there is nothing to adopt: remove its resources from the state (`terraform state rm`) and apply; it is installed anew.")
	}
	var survey Survey
	if adapters.Router != nil {
		if survey.Weights, err = adapters.Router.Weights(ctx); err != nil {
			return Survey{}, fmt.Errorf("read the weights of %s: %w", p.id, err)
		}
	}
	var running []service.Release
	for _, release := range releases {
		instances, err := adapters.Platform.Inspect(ctx, release.Placement)
		if err != nil {
			return Survey{}, err
		}
		if runsAny(release, instances) {
			running = append(running, release)
		} else {
			survey.Kept = append(survey.Kept, release)
		}
	}
	return survey, p.tellApart(&survey, running, r)
}

// tellApart finds the stable release and the candidate among those that run. A candidate may have any weight: so what the state
// remembers to have come to stand first is stable, and where it remembers none that runs, the one with the traffic.
func (p *Procedure) tellApart(survey *Survey, running []service.Release, r Remembered) error {
	stable := slices.IndexFunc(running, func(release service.Release) bool {
		return len(running) == 1 && survey.Weights == nil || 2*survey.Weights[release.Placement.Slot] > 100
	})
	for i, release := range running {
		passed, known := r.Passed[release.ID]
		if known && (stable < 0 || passed.Attempt < earlier(r, running[stable].ID)) {
			stable = i
		}
	}
	if stable < 0 && len(running) > 0 {
		what := "nothing says which of them carries the traffic"
		if survey.Weights != nil {
			what = "the router sends the traffic elsewhere: " + shares(survey.Weights)
		}
		return refuse("Stable Release Not Known", fmt.Sprintf("Of %s run %s, and %s", p.id, labels(running), what),
			"Give the traffic to the release that is wanted, or stop the one that is not, by hand; then adopt again.")
	}
	for i := range running {
		if i == stable {
			survey.Stable = &running[i]
		} else {
			survey.Candidate = &running[i]
		}
	}
	return nil
}

// lastPlaced is the newest release that was placed by what the state remembers; empty where none was.
func lastPlaced(passed map[service.ReleaseID]Passed) service.ReleaseID {
	newest := service.ReleaseID("")
	for id, p := range passed {
		if _, placed := p.Passages[service.StageRelease]; placed && (newest == "" || p.Attempt > passed[newest].Attempt) {
			newest = id
		}
	}
	return newest
}

// earlier is the attempt that a release has to be older than another to be stable in its place.
func earlier(r Remembered, of service.ReleaseID) int {
	if passed, known := r.Passed[of]; known {
		return passed.Attempt
	}
	return math.MaxInt
}

func labels(releases []service.Release) string {
	text := ""
	for i, r := range releases {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s in slot %s", r.ID, r.Placement.Slot)
	}
	return text
}

// Adopt begins a new ledger from what is seen running, in one entry. It changes nothing of what runs. Returned are what was
// seen, and the identity of the store that the ledger lies in from now on.
func (p *Procedure) Adopt(ctx context.Context, r Remembered) (Survey, string, error) {
	if _, err := p.Survey(ctx, r); err != nil { // before anything is written
		return Survey{}, "", err
	}
	identity, err := ledger.Establish(ctx, p.run.store)
	if err != nil {
		return Survey{}, "", err
	}
	if err := p.ledger.Enlist(ctx); err != nil {
		return Survey{}, "", err
	}
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return Survey{}, "", err
	}
	defer end()
	// Once more, under the lease: what is written is what is.
	survey, err := p.Survey(ctx, r)
	if err != nil {
		return Survey{}, "", err
	}
	if r.Owner == "" {
		r.Owner = uuid.NewString()
	}
	definition := r.Definition
	return survey, identity, w.append(ctx, ledger.Event{
		Type: ledger.Adopted, Definition: &definition, Owner: r.Owner, Adoption: survey.adoption(r),
		Text: fmt.Sprintf("a new ledger from what runs, in the place of the lost store %s: %s", r.StoreID, survey),
	})
}

func (s Survey) adoption(r Remembered) *ledger.Adoption {
	a := &ledger.Adoption{Was: r.StoreID, Releases: map[service.ReleaseID]service.Release{}}
	if s.Stable != nil {
		a.Stable, a.Releases[s.Stable.ID] = s.Stable.ID, *s.Stable
		a.Attempt, a.Passages = r.Passed[s.Stable.ID].Attempt, r.Passed[s.Stable.ID].Passages
	}
	if s.Candidate != nil {
		a.Candidate, a.Releases[s.Candidate.ID] = s.Candidate.ID, *s.Candidate
	}
	for _, kept := range s.Kept {
		a.Kept, a.Releases[kept.ID] = append(a.Kept, kept.ID), kept
	}
	return a
}

// String says in words what was seen.
func (s Survey) String() string {
	text := "nothing runs"
	if s.Stable != nil {
		text = labels([]service.Release{*s.Stable}) + " is stable"
	}
	if s.Candidate != nil {
		text += fmt.Sprintf("; %s runs beside it", labels([]service.Release{*s.Candidate}))
	}
	if s.Weights != nil {
		text += "; weights " + shares(s.Weights)
	}
	for _, kept := range s.Kept {
		text += fmt.Sprintf("; %s is kept ready", kept.ID)
	}
	return text
}
