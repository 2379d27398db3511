package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// needed is how many requests a step takes, by margin and by what stable fails.
func needed() ([][]string, error) {
	shares := []float64{0, 0.001, 0.01, 0.05}
	head := []string{"`margin`"}
	for _, share := range shares {
		head = append(head, "stable fails "+percent(share))
	}
	rows := [][]string{head}
	add := func(name string, confidence, margin float64) {
		row := []string{name}
		for _, share := range shares {
			row = append(row, about(analysis.Needed(confidence, margin, share, usual.part)))
		}
		rows = append(rows, row)
	}
	for _, margin := range []float64{0.2, 0.1, 0.05, 0.02, 0.01, 0.005} {
		add(strconv.FormatFloat(margin, 'g', -1, 64), usualConfig.Confidence, margin)
	}
	add("0.05, `confidence = 0.9`", 0.9, 0.05)
	return rows, nil
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 3, 64) + " %" }

// about is a number with the two digits that matter, and commas between thousands.
func about(x float64) string {
	if x >= 100 {
		unit := math.Pow10(int(math.Log10(x)) - 1)
		x = math.Round(x/unit) * unit
	}
	n := int(math.Round(x))
	if n >= 1000 {
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return strconv.Itoa(n)
}
