// Package bluegreen is what all routers hold of the two slots that they split between, and of the weights of a split.
package bluegreen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The slots that a router splits the traffic between.
const (
	Blue  = "blue"
	Green = "green"
)

// Validate lists what is wrong with a platform's slots for a router: they must be blue and green, in any order. The path of a
// problem is empty, since the router's definition is not where it lies.
func Validate(slots []string) []service.Problem {
	sorted := slices.Sorted(slices.Values(slots))
	if slices.Equal(sorted, []string{Blue, Green}) {
		return nil
	}
	names := "none"
	if len(sorted) > 0 {
		names = strings.Join(sorted, ", ")
	}
	return []service.Problem{{Detail: "a router splits the traffic between two slots, and the platform has " + names +
		`; declare the slots "blue" and "green", or leave the router out`}}
}

// CheckWeights tells whether weights, in percent by slot, are a split: each from 0 to 100, together 100. A slot that is not named has 0.
func CheckWeights(weights map[string]int) error {
	sum := 0
	for slot, weight := range weights {
		if slot != Blue && slot != Green {
			return fmt.Errorf("there is no slot %q, only %s and %s", slot, Blue, Green)
		}
		if weight < 0 || weight > 100 {
			return fmt.Errorf("the weight of %s must be from 0 to 100", slot)
		}
		sum += weight
	}
	if sum != 100 {
		return fmt.Errorf("together they must be 100, not %d", sum)
	}
	return nil
}

// Usable is problems of a router's definition as one error, the first of them; nil where there are none.
func Usable(problems []service.Problem) error {
	switch {
	case len(problems) == 0:
		return nil
	case len(problems[0].Path) == 0:
		return errors.New(problems[0].Detail)
	}
	return problems[0]
}
