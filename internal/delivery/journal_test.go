package delivery_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module   = "github.com/progressive-delivery/terraform-provider-deploy"
	engine   = module + "/internal/delivery"
	reads    = ""
	changes  = "journal.go" // where alone it is called
	informs  = "notify.go"
	portsOne = "ports.go"
)

// classes says of each method of the ports whether it changes the outside world. One that is not named here fails the test.
var classes = map[string]string{
	"Platform.Slots": reads, "Platform.Room": reads, "Platform.ContentProblems": reads, "Platform.Placement": reads, "Platform.Inspect": reads, "Platform.Reach": reads, "Platform.Releases": reads,
	"Platform.Logs": reads, "Platform.Probe": reads, "Platform.Waves": reads, "Platform.Dial": reads, "Platform.Unready": reads, "Platform.Existing": reads,
	"Platform.Place": changes, "Platform.Start": changes, "Platform.Stop": changes, "Platform.Remove": changes,
	"Router.Check": reads, "Router.Probe": reads, "Router.Weights": reads, "Router.Drain": reads, "Router.Warnings": reads, "Router.SetWeights": changes,
	"Metrics.Sampler": reads, "Metrics.Value": reads, "Metrics.Survey": reads, "Sampler.Sample": reads, "Sampler.Total": reads, "Checker.Run": reads, "Credentials.Lookup": reads,
	"Backup.Verify": reads, "Backup.Procedure": reads, "Backup.Save": changes, "Backup.Restore": changes,
	// Told at least once, by an account of its own in the ledger.
	"Notifier.Send":      informs,
	"Connector.Adapters": reads, "Connector.Checker": reads, "Connector.RunAll": reads, "Connector.Backup": reads, "Connector.Credentials": reads,
	"Connector.BackupPlace": reads, "Connector.DeleteBackup": changes,
}

// watched are the packages that are given adapters, or make them.
var watched = []string{"/internal/delivery", "/internal/provider", "/internal/cli", "/internal/connect", "/internal/report", "/internal/ledger", "/internal/service"}

// Every change of the outside world goes through journal.go: nothing else calls what makes one, nor takes it as a value, whatever
// interface or type it comes by.
func TestChangesGoThroughTheJournal(t *testing.T) {
	t.Parallel()
	packages := listed(t)
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		p, known := packages[path]
		if !known || p.Export == "" {
			return nil, fmt.Errorf("%s is not compiled", path)
		}
		return os.Open(p.Export)
	})
	journalled, looked := map[string]bool{}, 0
	for path, p := range packages {
		if path != module && !under(path, watched) || len(p.GoFiles) == 0 {
			continue
		}
		looked++
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
		checked, err := (&types.Config{Importer: imports}).Check(path, files, parsed, info)
		if err != nil {
			t.Fatal(err)
		}
		ports := checked
		if path != engine {
			if ports, err = imports.Import(engine); err != nil {
				t.Fatal(err)
			}
		}
		methods := portMethods(t, files, ports, path == engine)
		for use, object := range info.Uses {
			method, is := object.(*types.Func)
			if !is || method.Signature().Recv() == nil {
				continue
			}
			for name, port := range methods {
				if method.Name() != port.Name() || !types.Identical(method.Signature(), port.Signature()) {
					continue
				}
				file := filepath.Base(files.Position(use.Pos()).Filename)
				switch {
				case path == engine && file == classes[name]:
					journalled[name] = true
				case classes[name] != reads:
					t.Errorf("%s uses %s: let internal/delivery/%s do it", files.Position(use.Pos()), name, classes[name])
				}
			}
		}
	}
	if looked < 10 {
		t.Errorf("only %d packages were looked at", looked)
	}
	for name, where := range classes {
		if where != reads && !journalled[name] {
			t.Errorf("%s does not use %s: this test looks for the wrong names", where, name)
		}
	}
}

// portMethods are the methods of the interfaces that ports.go declares, each of which has to have a class.
func portMethods(t *testing.T, files *token.FileSet, engine *types.Package, fromSource bool) map[string]*types.Func {
	t.Helper()
	methods := map[string]*types.Func{}
	for _, name := range engine.Scope().Names() {
		declared := engine.Scope().Lookup(name)
		port, is := declared.Type().Underlying().(*types.Interface)
		if _, isType := declared.(*types.TypeName); !isType || !is {
			continue
		}
		if fromSource && filepath.Base(files.Position(declared.Pos()).Filename) != portsOne {
			t.Errorf("%s is declared outside of %s", name, portsOne)
		}
		for method := range port.Methods() {
			full := name + "." + method.Name()
			methods[full] = method
			if _, classed := classes[full]; !classed && fromSource {
				t.Errorf("%s is new: say in this test whether it changes the outside world", full)
			}
		}
	}
	for name := range classes {
		if methods[name] == nil && fromSource {
			t.Errorf("there is no %s in %s", name, portsOne)
		}
	}
	return methods
}

func under(path string, rooms []string) bool {
	for _, room := range rooms {
		if path == module+room || strings.HasPrefix(path, module+room+"/") {
			return true
		}
	}
	return false
}

// listedPackage is what go list says of a package. Export is the file of its compiled form.
type listedPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// listed are the module's packages, and all that they import.
func listed(t *testing.T) map[string]listedPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", module, module+"/internal/...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]listedPackage{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}
