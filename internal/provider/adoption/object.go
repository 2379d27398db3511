package adoption

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// stateVersion of the files that Terraform and OpenTofu write.
const stateVersion = 4

// object is one of this provider's in a state.
type object struct {
	Type, Name string
	attributes json.RawMessage
	exported   exported
	kept       kept
}

// kept is what the provider keeps beside the state.
type kept struct {
	Owner string `json:"owner"`
}

func (o object) address() string      { return o.Type + "." + o.Name }
func (o object) stage() service.Stage { return service.Stage(strings.TrimPrefix(o.Type, typePrefix)) }

func (o object) service() service.ID {
	if o.Type == typeService {
		return service.ID(o.exported.ID)
	}
	return service.ReleaseID(o.exported.Release).Service()
}

func parse(state []byte) ([]object, error) {
	var file struct {
		Version   int `json:"version"`
		Resources []struct {
			Mode      string `json:"mode"`
			Type      string `json:"type"`
			Name      string `json:"name"`
			Instances []struct {
				Attributes json.RawMessage `json:"attributes"`
				Private    []byte          `json:"private"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(state, &file); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotState, err)
	}
	if file.Version != stateVersion {
		return nil, fmt.Errorf("%w: its version is %d, not %d", errNotState, file.Version, stateVersion)
	}
	var objects []object
	for _, r := range file.Resources {
		if r.Mode != "managed" || !strings.HasPrefix(r.Type, typePrefix) {
			continue
		}
		for _, i := range r.Instances {
			o := object{Type: r.Type, Name: r.Name, attributes: i.Attributes}
			if err := json.Unmarshal(i.Attributes, &o.exported); err != nil {
				return nil, fmt.Errorf("read %s: %w", o.address(), err)
			}
			// Without it the object has no owner's token: then whoever comes first owns it.
			var private struct {
				Deploy []byte `json:"deploy"`
			}
			if json.Unmarshal(i.Private, &private) == nil {
				_ = json.Unmarshal(private.Deploy, &o.kept)
			}
			objects = append(objects, o)
		}
	}
	return objects, nil
}

// exported are the attributes that stages and services compute, under the names that they have in each.
type exported struct {
	ID          string            `json:"id"`
	StoreID     string            `json:"store_id"`
	Release     string            `json:"release"`
	Attempt     int               `json:"attempt"`
	WorstCase   string            `json:"worst_case"`
	Mode        service.Mode      `json:"mode"`
	Replaces    service.ReleaseID `json:"replaces"`
	Slot        string            `json:"slot"`
	Results     map[string]string `json:"results"`
	Location    string            `json:"location"`
	Procedure   string            `json:"restore_procedure"`
	Weights     map[string]int    `json:"weights"`
	Promoted    service.ReleaseID `json:"promoted"`
	Finalized   service.ReleaseID `json:"finalized"`
	FinalizedAt string            `json:"finalized_at"`
}

// exports are what the ledger kept of them.
func (e exported) exports() (delivery.Exports, error) {
	exports := delivery.Exports{
		Mode: e.Mode, Replaces: e.Replaces, Slot: e.Slot, CheckpointID: e.ID, Location: e.Location, Procedure: e.Procedure,
		Weights: e.Weights, Promoted: e.Promoted, Finalized: e.Finalized,
	}
	if e.WorstCase != "" {
		worst, err := time.ParseDuration(e.WorstCase)
		if err != nil {
			return exports, fmt.Errorf("read worst_case: %w", err)
		}
		exports.WorstCase = service.Duration(worst)
	}
	if e.FinalizedAt != "" {
		at, err := time.Parse(time.RFC3339, e.FinalizedAt)
		if err != nil {
			return exports, fmt.Errorf("read finalized_at: %w", err)
		}
		exports.FinalizedAt = at
	}
	for name, line := range e.Results {
		exports.Results = append(exports.Results, result(name, line))
	}
	return exports, nil
}

// result reads a line of the attribute `results`: "passed: <what came> (<how long>)".
func result(name, line string) service.CheckResult {
	r := service.CheckResult{Name: name}
	verdict, rest, _ := strings.Cut(line, ": ")
	r.Passed, r.Got = verdict == "passed", rest
	if i := strings.LastIndex(rest, " ("); i >= 0 && strings.HasSuffix(rest, ")") {
		if took, err := time.ParseDuration(rest[i+2 : len(rest)-1]); err == nil {
			r.Got, r.Took = rest[:i], took
		}
	}
	return r
}
