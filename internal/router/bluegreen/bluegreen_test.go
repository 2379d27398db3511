package bluegreen

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		slots []string
		says  string
	}{
		"both": {[]string{Blue, Green}, ""}, "turned": {[]string{Green, Blue}, ""},
		"none": {nil, "has none;"}, "one": {[]string{Blue}, "has blue;"}, "another": {[]string{"red", Blue}, "has blue, red;"},
		"three": {[]string{Blue, Green, "red"}, "has blue, green, red;"}, "twice": {[]string{Blue, Blue}, "has blue, blue;"},
	} {
		problems := Validate(c.slots)
		if c.says == "" {
			if len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
			}
			continue
		}
		if len(problems) != 1 || len(problems[0].Path) > 0 || !strings.Contains(problems[0].Detail, c.says) {
			t.Errorf("%s: %v, want one that says %q", name, problems, c.says)
		}
	}
}

func TestCheckWeights(t *testing.T) {
	for says, weights := range map[string]map[string]int{
		"not 0": nil, "not 50": {Blue: 50}, "not 110": {Blue: 60, Green: 50}, "from 0 to 100": {Blue: 110, Green: -10}, `"red"`: {Blue: 50, "red": 50},
	} {
		if err := CheckWeights(weights); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want an error that says %q", weights, err, says)
		}
	}
	for _, weights := range []map[string]int{{Green: 100}, {Blue: 75, Green: 25}, {Blue: 100, Green: 0}} {
		if err := CheckWeights(weights); err != nil {
			t.Errorf("%v: %v", weights, err)
		}
	}
}

func TestUsable(t *testing.T) {
	if err := Usable(nil); err != nil {
		t.Error(err)
	}
	for want, problem := range map[string]service.Problem{
		"too few slots": {Detail: "too few slots"}, "backend: is missing": {Path: []string{"backend"}, Detail: "is missing"},
	} {
		if err := Usable([]service.Problem{problem, {Detail: "another"}}); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
