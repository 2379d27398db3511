package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const root = "../.."

// TestPicturesAreCurrent: what is in the repository is what the code gives.
func TestPicturesAreCurrent(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors round differently")
	}
	for _, p := range pictures {
		t.Run(p.name, func(t *testing.T) {
			kept, err := os.ReadFile(filepath.Join(root, assets, p.name+".svg"))
			if err != nil {
				t.Fatal(err)
			}
			f, err := p.draw()
			if err != nil {
				t.Fatal(err)
			}
			if f.svg() != string(kept) {
				t.Errorf("%s/%s.svg is not what internal/analysis gives: make pictures generate, see whether the guide still says what they show, and commit them", assets, p.name)
			}
		})
	}
}

// TestRequestsAreCurrent: of the tables the one that needs no traffic.
func TestRequestsAreCurrent(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, guide))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := needed()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), markdown(rows)) {
		t.Errorf("the table of requests in %s is not what analysis.Needed gives: make pictures generate", guide)
	}
}

func TestFill(t *testing.T) {
	if _, err := fill("no marks"); err == nil || !strings.Contains(err.Error(), "needed") {
		t.Errorf("got %v, want an error that names the table", err)
	}
}
