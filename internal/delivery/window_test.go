package delivery_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	amsterdam := delivery.Window{Allow: []string{"Mon-Thu 09:00-16:00"}, Timezone: "Europe/Amsterdam", Freezes: []string{"2026-12-20/2027-01-03", "2026-04-27"}}
	night := delivery.Window{Allow: []string{"Fri 22:00-02:00"}}
	weekend := delivery.Window{Allow: []string{"Sat-Mon 10:00-12:00"}}
	for name, c := range map[string]struct {
		window delivery.Window
		at     string
		open   bool
	}{
		"within":                        {amsterdam, "2026-11-23T08:00:00Z", true}, // Monday, 09:00 there
		"before":                        {amsterdam, "2026-11-23T07:59:59Z", false},
		"the end is not in it":          {amsterdam, "2026-11-23T15:00:00Z", false},
		"summer time":                   {amsterdam, "2026-07-06T07:00:00Z", true},
		"another day":                   {amsterdam, "2026-11-27T10:00:00Z", false}, // Friday
		"frozen, first day":             {amsterdam, "2026-12-21T10:00:00Z", false},
		"frozen, last day":              {amsterdam, "2027-01-03T22:59:59Z", false},
		"after the freeze":              {amsterdam, "2027-01-04T10:00:00Z", true},
		"frozen for a day":              {amsterdam, "2026-04-27T10:00:00Z", false},
		"past midnight, before it":      {night, "2026-11-27T23:00:00Z", true},
		"past midnight, behind it":      {night, "2026-11-28T01:59:00Z", true},
		"past midnight, a day too soon": {night, "2026-11-27T01:00:00Z", false},
		"days around the week's end":    {weekend, "2026-11-23T11:00:00Z", true}, // Monday
		"a day outside of them":         {weekend, "2026-11-24T11:00:00Z", false},
		"no window":                     {delivery.Window{}, "2026-11-24T11:00:00Z", true},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.window.Open(at); (err == nil) != c.open {
				t.Errorf("at %s: %v, want open %v", c.at, err, c.open)
			}
		})
	}
}

func TestWindowThatCannotBeUnderstood(t *testing.T) {
	t.Parallel()
	for attribute, w := range map[string]delivery.Window{
		"allow":    {Allow: []string{"Mon-Thu 9-16"}},
		"freezes":  {Freezes: []string{"2027-01-03/2026-12-20"}},
		"timezone": {Timezone: "Amsterdam"},
	} {
		if wrong := w.Validate(); wrong[attribute] == nil || len(wrong) != 1 {
			t.Errorf("%s: got %v", attribute, wrong)
		}
	}
}
