package ledger_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// An older provider, which does not know of looks, is told by the first of them that it needs to be upgraded, and by nothing else. To this
// one a look changes nothing but the number of the ledger's end.
func TestLooksNeedVersionTwo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, t.TempDir())
	l := ledger.Open(s, web)
	lease, err := l.Acquire(ctx, "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	const release1 = service.ReleaseID("production/web/1-00000001")
	for _, e := range []ledger.Event{
		{Type: ledger.ServiceDefined, Definition: &service.Definition{ID: web}},
		{Type: ledger.AttemptOpened, Attempt: 1, Release: release1, Opening: &ledger.Opening{Mode: service.ModeInstall}},
	} {
		if err := lease.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	before := lease.State()
	look := ledger.Event{Type: ledger.CandidateJudged, Attempt: 1, Release: release1, Stage: service.StageTrafficSplit, Judgement: json.RawMessage(`{"weight":10}`)}
	if err := lease.Append(ctx, look); err != nil {
		t.Fatal(err)
	}
	after := lease.State()
	before.Number, before.Nonce = after.Number, after.Nonce
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a look changed the state: %s", diff)
	}
	release(t, lease)
	events, err := l.Events(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		want := 1
		if e.Type == ledger.CandidateJudged {
			want = 2
		}
		if e.MinVersion != want {
			t.Errorf("%s needs version %d, want %d", e.Type, e.MinVersion, want)
		}
	}
}
