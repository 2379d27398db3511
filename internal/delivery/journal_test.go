package delivery_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// changing are the methods of the ports that change the outside world.
var changing = map[string]bool{
	"Place": true, "Start": true, "Stop": true, "Remove": true, "SetWeights": true, "Save": true, "Restore": true, "DeleteBackup": true,
}

// Every change of the outside world goes through journal.go: no other file of the package calls what makes one.
func TestChangesGoThroughTheJournal(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	journalled := map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !changing[selector.Sel.Name] || len(call.Args) == 0 { // a ticker is stopped without arguments
				return true
			}
			if e.Name() == "journal.go" {
				journalled[selector.Sel.Name] = true
			} else {
				t.Errorf("%s calls %s: let journal.go do it", e.Name(), selector.Sel.Name)
			}
			return true
		})
	}
	for name := range changing {
		if !journalled[name] {
			t.Errorf("journal.go does not call %s: this test looks for the wrong names", name)
		}
	}
}
