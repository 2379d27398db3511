package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/report"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

func messageID(id service.ID, attempt int, event string) string {
	return fmt.Sprintf("%s/%d/%s", id, attempt, event)
}

// writeRecord writes the attempt's Markdown record into the store and returns its location; empty if it could not be
// written: the ledger has all of it.
func (w *work) writeRecord(ctx context.Context, a *ledger.Attempt, failure ledger.Failure, result *putBackResult, end service.End) string {
	if !w.lease.Valid() {
		return "" // It is another's to tell.
	}
	events, err := w.procedure.ledger.Events(ctx, w.firstEventOf(a))
	if err != nil {
		return ""
	}
	document := report.Markdown(report.Attempt{
		Service: w.procedure.id, Attempt: *a, End: end, Failure: failure, Restored: result.done, Leftovers: result.failures,
		Evidence: result.evidence, Events: events, At: w.now(),
	})
	key := fmt.Sprintf("%s/records/%04d-%s.md", w.procedure.id, a.Number, a.Release.Label())
	if err := w.procedure.run.store.Put(ctx, key, []byte(document)); err != nil {
		return ""
	}
	return store.Location(w.procedure.run.store, key)
}

// firstEventOf is the number of an event not after the attempt's first.
func (w *work) firstEventOf(a *ledger.Attempt) int { return max(1, a.FirstEvent) }
