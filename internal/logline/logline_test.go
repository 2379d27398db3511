package logline_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/logline"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestMatch(t *testing.T) {
	instances := []service.Instance{{Name: "green/0"}, {Name: "green/1"}, {}}
	for name, c := range map[string]struct {
		pattern, line string
		want          bool
	}{
		"anywhere":                 {"panic:", "green/0: a panic: b", true},
		"beginning":                {"^panic:", "panic: b", true},
		"beginning, several":       {"^panic:", "green/1: panic: b", true},
		"indented":                 {"^panic:", "green/1:   panic: b", true},
		"not at the beginning":     {"^panic:", "green/1: no panic: b", false},
		"the name is not a prefix": {"^panic:", "in green/1: panic: b", false},
		"name and line":            {"^green/1: p", "green/1: panic: b", true},
		"something else":           {"FATAL", "green/0: panic: b", false},
	} {
		patterns, err := logline.Compile([]string{"never", c.pattern})
		if err != nil {
			t.Fatal(err)
		}
		if got := patterns.Match(c.line, instances); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if _, err := logline.Compile([]string{"ok", "*"}); err == nil || !strings.Contains(err.Error(), `"*"`) {
		t.Errorf("error %v", err)
	}
}
