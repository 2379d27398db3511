package machines

import (
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Waves implements delivery.Platform: hosts in the order of their names, all instances of a host together.
func (m *Machines) Waves(p service.Placement, replacing bool) []service.Placement {
	var hosts []string
	of := map[string][]service.Instance{}
	for _, i := range p.Instances {
		name := ""
		if found := instancePattern.FindStringSubmatch(i.Name); found != nil {
			name = found[2]
		}
		if of[name] == nil {
			hosts = append(hosts, name)
		}
		of[name] = append(of[name], i)
	}
	slices.Sort(hosts)
	together := m.definition.MaxParallel
	if replacing {
		together = min(together, m.definition.MaxUnavailable)
	}
	var waves []service.Placement
	for some := range slices.Chunk(hosts, max(together, 1)) {
		wave := p
		wave.Instances = nil
		for _, name := range some {
			wave.Instances = append(wave.Instances, of[name]...)
		}
		waves = append(waves, wave)
	}
	return waves
}
