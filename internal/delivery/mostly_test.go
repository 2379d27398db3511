package delivery

import (
	"errors"
	"slices"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// fourHosts is a platform of a service that is defined on them, where every instance is healthy.
type fourHosts struct{ Platform }

func (fourHosts) Placement(r service.Release, slot string) (service.Placement, error) {
	if r.ID == "existing" {
		return service.Placement{}, errors.New("it is placed by nobody")
	}
	return on(slot, "a", "b", "c", "d"), nil
}

func on(slot string, hosts ...string) service.Placement {
	p := service.Placement{Slot: slot}
	for _, host := range hosts {
		p.Instances = append(p.Instances, service.Instance{Name: host, Host: host})
	}
	return p
}

// A restore goes back to half of the hosts that the service has, not to half of those that were left when it was rolled back last.
func TestMostlyAnswersByTheDefinition(t *testing.T) {
	t.Parallel()
	w := &work{adapters: Adapters{Platform: fourHosts{}}}
	for name, c := range map[string]struct {
		release      service.ReleaseID
		recorded, up []string
		want         bool
		leaving      string
	}{
		"half of all":                       {"r", []string{"a", "b", "c", "d"}, []string{"a", "b"}, true, ""},
		"fewer":                             {"r", []string{"a", "b", "c", "d"}, []string{"a"}, false, ""},
		"half of the half that is recorded": {"r", []string{"a", "b"}, []string{"a"}, false, ""},
		"all of the half that is recorded":  {"r", []string{"a", "b"}, []string{"a", "b"}, true, ""},
		"none":                              {"r", []string{"a", "b"}, nil, false, ""},
		"half, one to be gone":              {"r", []string{"a", "b", "c", "d"}, []string{"a", "b"}, false, "b"},
		"not by the definition":             {"existing", []string{"a", "b"}, []string{"a"}, true, ""},
	} {
		r := service.Release{ID: c.release, Placement: on("blue", c.recorded...)}
		var heard []part
		for _, on := range onEach(r) {
			if i := on.Placement.Instances[0]; slices.Contains(c.up, i.Host) {
				heard = append(heard, part{release: on, states: []service.InstanceState{{Instance: i, Running: true, Release: r.ID, Stopping: i.Host == c.leaving}}})
			}
		}
		if got := w.mostlyAnswers(r, heard); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
