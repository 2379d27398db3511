package machines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// placedAtOnce is how many machines a release is brought to at a time.
const placedAtOnce = 4

// Place implements delivery.Platform.
func (m *Machines) Place(ctx context.Context, r service.Release, slot string) (service.Placement, error) {
	p := r.Placement
	if p.Slot != slot {
		var err error
		if p, err = m.Placement(r, slot); err != nil {
			return service.Placement{}, err
		}
	}
	r.Placement = p
	if kept, err := m.recordOf(p); err != nil || kept.Existing != "" {
		return p, err // The user's own unit is where it is.
	}
	reference, err := service.ParseReference(r.Content.Artifact)
	if err != nil {
		return service.Placement{}, fmt.Errorf("place %s: %w", r.ID, err)
	}
	parts, err := m.parts(p)
	if err != nil {
		return service.Placement{}, fmt.Errorf("place %s: %w", r.ID, err)
	}
	left, err := m.placeAll(ctx, parts, r, reference)
	if err != nil {
		return service.Placement{}, fmt.Errorf("place %s: %w", r.ID, err)
	}
	if left != nil {
		return p, &delivery.OldFilesLeft{Err: left}
	}
	return p, nil
}

// place brings a release to one machine. left says that older ones could not be taken away there, which is no reason against it.
func (m *Machines) place(ctx context.Context, p part, r service.Release, reference service.Reference) (left, err error) {
	if _, err := p.effect(ctx, "place", p.claimScript(ctx), nil); err != nil {
		return nil, p.explain(err)
	}
	guard := p.transferGuard(ctx)
	request := m.request(p, r, reference)
	request.Guard = guard
	if _, err := transfer.Install(ctx, p.machine, request); err != nil {
		return nil, staleOr(err)
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode its record: %w", err)
	}
	encoded = append(encoded, '\n')
	out, err := p.change(ctx, "place", recordScript(encoded), bytes.NewReader(encoded))
	if err != nil {
		return nil, p.explain(err)
	}
	err = staleOr(transfer.Prune(ctx, p.machine, p.Directory, m.definition.KeepReleases, strings.Fields(out), guard))
	if errors.Is(err, fence.ErrStale) || ctx.Err() != nil {
		return nil, fmt.Errorf("take away the files of older releases: %w", err)
	}
	return err, nil
}

// recordScript takes a record on standard input.
func recordScript(encoded []byte) string {
	return fmt.Sprintf("size=%d\n", len(encoded)) + recordBody
}

// claimScript makes the directory, and makes it the service's: two in one would stop each other's instances. Of two that come for it at
// once the second one finds it taken, before it notes anything there.
func (p part) claimScript(ctx context.Context) string {
	mkdir := `mkdir -p "$dir" 2>/dev/null`
	if p.Sudo {
		mkdir += ` || root install -d -o "$(id -un)" -g "$(id -gn)" -m 0755 "$dir"`
	}
	return p.prelude() + "id=" + shellword.Quote(string(p.release.Service())) + "\n{ " + mkdir + `; } && [ -w "$dir" ] || fail '' "the user $(id -un) cannot write into $dir: make it, and give it to that user"
` + p.lock("fail") + foreign + p.epoch(ctx, "fail") + `
[ -s "$dir/service" ] || { echo "$id" >"$dir/.service" && mv -f "$dir/.service" "$dir/service"; } || fail '' "$dir cannot be written into"
exit 0
`
}

// Releases implements delivery.Platform. A release that is on several hosts is listed once, as it was placed last.
func (m *Machines) Releases(ctx context.Context) ([]service.Release, error) {
	all, err := m.releases(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for releases: %w", err)
	}
	return all, nil
}

// everywhere is each machine of the definition, as a part without instances.
func (m *Machines) everywhere() ([]part, error) {
	slots := m.Slots()
	if len(slots) == 0 {
		return nil, errors.New("there is no slot")
	}
	p, err := m.placement(service.ReleaseID(m.id)+"/0-00000000", slots[0], "")
	if err != nil {
		return nil, err
	}
	return m.parts(p)
}
