// Command pictures makes the pictures and the tables of the guide "How a release is judged" with the code of internal/analysis, on traffic
// that is made up. The same code gives the same pictures.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const (
	// guide is what the tables are written into, and assets where the pictures lie: beside docs/, in which tfplugindocs
	// may delete what it did not make.
	guide  = "templates/guides/judgement.md"
	assets = "assets/judgement"
)

// pictures by the names of their files.
var pictures = []struct {
	name string
	draw func() (figure, error)
}{
	{"threshold", threshold}, {"evidence", evidence}, {"burst", burst}, {"margin", margin},
}

func main() {
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := write(*root); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	directory := filepath.Join(root, assets)
	if err := os.MkdirAll(directory, 0o755); err != nil { //nolint:gosec // for everybody
		return fmt.Errorf("make the directory of the pictures: %w", err)
	}
	for _, p := range pictures {
		f, err := p.draw()
		if err != nil {
			return fmt.Errorf("draw %s: %w", p.name, err)
		}
		if err := save(filepath.Join(directory, p.name+".svg"), f.svg()); err != nil {
			return err
		}
	}
	path := filepath.Join(root, guide)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the guide: %w", err)
	}
	filled, err := fill(string(text))
	if err != nil {
		return fmt.Errorf("fill the tables of %s: %w", guide, err)
	}
	return save(path, filled)
}

func save(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // for everybody
		return fmt.Errorf("write what was made: %w", err)
	}
	fmt.Println(path)
	return nil
}
