//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	o, err := parse([]string{"-rates", "100,300", "-only", "good,reload"})
	if err != nil || !slices.Equal(o.rates, []int{100, 300}) || !o.wants("good") || o.wants("restore") {
		t.Errorf("got %+v, %v", o, err)
	}
	if o, err = parse(nil); err != nil || !o.wants(killedInstance) || o.artifact != 1024 || !slices.Equal(o.rates, []int{500, 2000}) {
		t.Errorf("got %+v, %v", o, err)
	}
	// What is said beside -quick counts.
	if o, err = parse([]string{"-quick", "-artifact", "16"}); err != nil || o.artifact != 16 || o.pause != time.Second || !slices.Equal(o.rates, []int{500}) {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, wrong := range []string{"-rates 0", "-rates fast", "-only nothing", "-pause 0s", "-kills 0", "-uploads 0", "-artifact -1", "-by-hand -1", "-idle 0s", "-nonsense"} {
		if _, err := parse(strings.Fields(wrong)); err == nil {
			t.Errorf("%s: no error", wrong)
		}
	}
}

func TestQuantile(t *testing.T) {
	sample := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 4, 1: 5} {
		if got := quantile(sample, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := quantile([]float32{}, 0.5); got != 0 {
		t.Errorf("of nothing it is %v", got)
	}
}
