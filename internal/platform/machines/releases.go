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
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
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
		out, err := p.look(ctx, p.prelude()+"id="+shellword.Quote(string(m.id))+"\n"+foreign+recordsBody)
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
	releases := m.merged(all)
	for _, one := range existing {
		if one != nil && !slices.ContainsFunc(releases, func(r service.Release) bool { return r.ID == one.ID }) {
			releases = append(releases, *one)
			break // of several hosts whose commands differ, the first one's
		}
	}
	return releases, nil
}

// merged are the releases of records, the last placed first. A record has the instances that were placed when it was written: a host that
// was added knows of itself alone, and the others may still know of one that was removed.
func (m *Machines) merged(all []placed) []service.Release {
	var releases []service.Release
	at := map[service.ReleaseID]int{}
	for _, one := range all {
		n, known := at[one.release.ID]
		if !known {
			at[one.release.ID] = len(releases)
			releases = append(releases, one.release)
			continue
		}
		r := &releases[n]
		if r.Placement.Slot != one.release.Placement.Slot {
			continue // where it was before
		}
		for _, i := range one.release.Placement.Instances {
			if !slices.ContainsFunc(r.Placement.Instances, func(j service.Instance) bool { return i.Name == j.Name }) {
				r.Placement.Instances = append(r.Placement.Instances, i)
			}
		}
		slices.SortStableFunc(r.Placement.Instances, func(a, b service.Instance) int { return strings.Compare(a.Host, b.Host) })
	}
	for n := range releases {
		p := &releases[n].Placement
		p.Instances = slices.DeleteFunc(p.Instances, func(i service.Instance) bool {
			_, found := m.definition.Hosts[i.Host]
			return i.Host != "" && !found
		})
	}
	return releases
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
