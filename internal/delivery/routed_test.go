package delivery_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// routed is the world's connector with a router that notes what it is asked. Its warnings are what the definition's file is called.
type routed struct {
	*connector
	wrong   error
	untaken error
	asked   []service.Placement
	checks  int
	bounded bool
}

func (r *routed) Adapters(d service.Definition) (delivery.Adapters, error) {
	a, err := r.connector.Adapters(d)
	a.Router = nil
	if d.Router != nil {
		a.Router = notingRouter{router{r.connector}, r, d.Router.HAProxy.StateFile}
	}
	return a, err
}

type notingRouter struct {
	router
	to   *routed
	says string
}

func (r notingRouter) Check(ctx context.Context, placements []service.Placement) error {
	deadline, bounded := ctx.Deadline()
	r.to.asked, r.to.bounded = placements, bounded && time.Until(deadline) <= 10*time.Second
	r.to.checks++
	return r.to.wrong
}

func (r notingRouter) Probe(context.Context) error { return r.to.untaken }

func (r notingRouter) Warnings(context.Context) ([]string, error) {
	return []string{"as ever", r.says}, nil
}

// A router that a plan defines is asked once whether it splits between what runs and what is to come, by the hosts of the plan; and what
// it warns of is news where the recorded one does not.
func TestSurveyDefinedRouter(t *testing.T) {
	t.Parallel()
	defined := func(stateFile string, hosts ...string) service.Definition {
		return service.Definition{ID: web, Platform: onHosts(hosts...), Router: &service.Router{HAProxy: &service.HAProxyRouter{StateFile: stateFile}}}
	}
	before := defined("a", "a", "b")
	unrouted := before
	unrouted.Router = nil
	placed := service.Placement{Release: releaseOf("1"), Slot: "blue", Instances: []service.Instance{{Name: "blue/a/0", Address: "old/a", Host: "a"}, {Name: "blue/b/0", Address: "old/b", Host: "b"}}}
	runs := ledger.State{Definition: &before, Stable: releaseOf("1"), Releases: map[service.ReleaseID]service.Release{releaseOf("1"): {ID: releaseOf("1"), Placement: placed}}}
	broken := errors.New("no backend webs")
	strangers := &delivery.Strangers{Err: errors.New("server blue-c gets requests")}
	for name, test := range map[string]struct {
		definition service.Definition
		state      ledger.State
		wrong      error
		untaken    error
		// ready: that is nothing that keeps it from splitting.
		ready bool
		asked string
		news  string
	}{
		"a first one":        {definition: before, asked: "blue/a blue/b green/a green/b", news: "as ever\na"},
		"it is not ready":    {definition: before, wrong: broken, asked: "blue/a blue/b green/a green/b", news: "as ever\na"},
		"another's servers":  {definition: before, wrong: strangers, asked: "blue/a blue/b green/a green/b", news: "as ever\na"},
		"a host's that goes": {definition: defined("a", "a"), state: runs, wrong: strangers, ready: true, asked: "old/a green/a"},
		"the file goes":      {definition: defined("", "a", "b"), state: runs, asked: "old/a old/b green/a green/b", news: "\n"},
		"the file stays":     {definition: before, state: runs, asked: "old/a old/b green/a green/b"},
		"hosts come and go":  {definition: defined("a", "b", "c"), state: runs, asked: "blue/c old/b green/b green/c"},
		"it takes nothing":   {definition: before, untaken: broken, asked: "blue/a blue/b green/a green/b", news: "as ever\na"},
		"it has none":        {definition: unrouted, state: runs},
		"it comes to a stay": {definition: before, state: ledger.State{Definition: &unrouted, Stable: runs.Stable, Releases: runs.Releases}, asked: "old/a old/b green/a green/b", news: "as ever\na"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			r := &routed{connector: &connector{world: w, process: &process{}}, wrong: test.wrong, untaken: test.untaken}

			run := delivery.NewRun(newMemoryStore(), r, ledger.ThisProcess("terraform"), ledger.Terms{})
			survey, err := run.Service(web).SurveyDefinedRouter(t.Context(), test.definition, ledger.View{State: test.state})
			if err != nil || test.ready != (survey.Unready == nil && test.wrong != nil) || !test.ready && !errors.Is(survey.Unready, cmp.Or(test.wrong, test.untaken)) {
				t.Fatalf("%+v, %v", survey, err)
			}
			var asked []string
			for _, p := range r.asked {
				var part []string
				for _, i := range p.Instances {
					part = append(part, i.Address)
				}
				slices.Sort(part)
				asked = append(asked, part...)
			}
			if got := strings.Join(asked, " "); got != test.asked || test.asked != "" && (r.checks != 1 || !r.bounded) {
				t.Errorf("it was asked %d times, bounded %v, for %q; want %q", r.checks, r.bounded, got, test.asked)
			}
			var news []string
			if test.news != "" {
				news = strings.Split(strings.TrimSuffix(test.news, "\n"), "\n")
			}
			if !slices.Equal(survey.News, news) {
				t.Errorf("news: %q, want %q", survey.News, news)
			}
		})
	}
}
