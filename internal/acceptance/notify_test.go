package acceptance_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// receiver is a webhook that remembers what it was told; while it is down it refuses everything.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	down bool
	told []service.Message
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		var m service.Message
		if r.down || json.NewDecoder(request.Body).Decode(&m) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.told = append(r.told, m)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) events(release string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var events []string
	for _, m := range r.told {
		if m.Release.Version() == release && !slices.Contains(events, m.Event) {
			events = append(events, m.Event)
		}
	}
	return events
}

// What happens is told at least once, and a receiver that is down fails and delays nothing: it is told later.
func TestNotificationsAreDeliveredAtLeastOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	hook := newReceiver(t)
	with := func(c config) config {
		c.NoRouter = true
		c.ExtraService = `  notify = { team = { url = "` + hook.URL + `" } }`
		return c
	}
	r.deploy(with(config{Version: "1"}))
	r.await("the first release to be told of", func() bool {
		return slices.Equal(hook.events("1"), []string{"started", "succeeded"})
	})
	r.write(with(failing(service.StageSmokeTest, "2")).hcl(r))
	r.apply(1)
	r.await("the second one to be told of", func() bool {
		return slices.Equal(hook.events("2"), []string{"started", "rolled_back"})
	})
	hook.mu.Lock()
	hook.down = true
	hook.mu.Unlock()
	r.deploy(with(config{Version: "3"}))
	if due := r.view(web).State.Due; len(due) == 0 {
		t.Fatal("nothing is due, though the receiver was down")
	}
	hook.mu.Lock()
	hook.down = false
	hook.mu.Unlock()
	r.operator(0, "recover", string(web), "--yes")
	if events := hook.events("3"); !slices.Equal(events, []string{"started", "succeeded"}) {
		t.Errorf("told of the third one: %v", events)
	}
}
