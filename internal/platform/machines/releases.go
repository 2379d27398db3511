package machines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// placed is a record, and when it was written.
type placed struct {
	release service.Release
	at      time.Time
}

func (m *Machines) releases(ctx context.Context) ([]service.Release, error) {
	parts, err := m.everywhere()
	if err != nil {
		return nil, err
	}
	found := make([][]placed, len(parts))
	existing := make([]*service.Release, len(parts))
	err = each(parts, 0, func(n int, p part) error {
		out, err := p.look(ctx, p.prelude()+"id="+shellWord(string(m.id))+"\n"+foreign+recordsBody)
		if err != nil {
			return err
		}
		if found[n], err = readRecords(out); err != nil {
			return err
		}
		existing[n], err = m.existing(ctx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []placed
	for _, some := range found {
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b placed) int { return b.at.Compare(a.at) })
	var releases []service.Release
	known := map[service.ReleaseID]bool{}
	for _, one := range all {
		if !known[one.release.ID] {
			known[one.release.ID] = true
			releases = append(releases, one.release)
		}
	}
	for _, one := range existing {
		if one != nil && !known[one.ID] {
			releases = append(releases, *one)
			break // of several hosts whose commands differ, the first one's
		}
	}
	return releases, nil
}

func readRecords(out string) ([]placed, error) {
	var all []placed
	for line := range strings.Lines(out) {
		at, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		var r service.Release
		if err := json.Unmarshal([]byte(text), &r); err != nil || r.ID == "" || !r.Placement.Placed() {
			return nil, fmt.Errorf("a record in its directory records does not say what was placed: %w", errors.Join(err, errors.New("it is damaged; move it away to go on without that release")))
		}
		all = append(all, placed{r, seconds(at)})
	}
	return all, nil
}
