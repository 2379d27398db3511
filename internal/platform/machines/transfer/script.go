package transfer

import (
	"bytes"
	"context"
	_ "embed" // the scripts
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// The scripts are POSIX shell. Nothing of a request becomes part of them but quoted, as the value of a variable.
var (
	//go:embed script/common.sh
	commonScript string
	//go:embed script/files.sh
	filesScript string
	//go:embed script/look.sh
	lookScript string
	//go:embed script/upload.sh
	uploadScript string
	//go:embed script/fetch.sh
	fetchScript string
	//go:embed script/prune.sh
	pruneScript string
)

// variables of a script, and what is run before each of its effects.
type variables struct {
	values map[string]string
	guard  string
}

func (v variables) script(parts ...string) string {
	var b strings.Builder
	for name, value := range v.values {
		b.WriteString(name + "=" + shellword.Quote(value) + "\n")
	}
	guard := v.guard
	if strings.TrimSpace(guard) == "" {
		guard = ":"
	}
	b.WriteString("guard() {\n" + guard + "\n}\n")
	for _, part := range parts {
		// Comments need not travel: a shell may read a script byte by byte.
		for line := range strings.Lines(part) {
			if line = strings.TrimLeft(line, "\t"); !strings.HasPrefix(line, "#") && line != "\n" {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// answers are the lines that a script wrote: what they are about, and the words that follow.
type answers map[string][]string

func ask(ctx context.Context, m Machine, script string, stdin io.Reader) (answers, error) {
	output, err := m.Run(ctx, script, stdin)
	if err != nil {
		return nil, err
	}
	a := answers{}
	for line := range bytes.Lines(output) {
		if words := strings.Fields(string(line)); len(words) > 0 {
			a[words[0]] = words[1:]
		}
	}
	return a, nil
}

func (a answers) has(key string) bool { _, found := a[key]; return found }

// number is the first word of an answer, 0 where it is none.
func (a answers) number(key string) int64 {
	if len(a[key]) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(a[key][0], 10, 64)
	return n
}

// word is the n-th word of an answer.
func (a answers) word(key string, n int) string {
	if len(a[key]) <= n {
		return ""
	}
	return a[key][n]
}

func (r Request) variables() (variables, error) {
	digest, found := strings.CutPrefix(r.Artifact.Digest, "sha256:")
	if !found || len(digest) != 64 {
		return variables{}, fmt.Errorf("%q is no digest: it is to be sha256:<64 hex digits>", r.Artifact.Digest)
	}
	directory, err := clean(r.Directory)
	if err != nil {
		return variables{}, err
	}
	program := ""
	if r.Program != "" {
		program = path.Clean(r.Program)
		if path.IsAbs(program) || program == ".." || strings.HasPrefix(program, "../") {
			return variables{}, fmt.Errorf("the program %s is none of the release's files", r.Program)
		}
	}
	modes := "u+rwX,go-w,a-st"
	if r.ForAll {
		modes += ",go+rX"
	}
	label := r.Release.Label()
	if label == "" || strings.HasPrefix(label, ".") {
		return variables{}, fmt.Errorf("%q is no release's id", r.Release)
	}
	return variables{guard: r.Guard, values: map[string]string{
		"directory": directory, "digest": digest, "label": label, "program": program,
		"modes": modes, "name": path.Base(r.Artifact.Path),
	}}, nil
}

// clean is a directory on a machine, as the scripts take it.
func clean(directory string) (string, error) {
	if !path.IsAbs(directory) || strings.ContainsRune(directory, 0) {
		return "", fmt.Errorf("%q is no absolute path of a directory", directory)
	}
	return path.Clean(directory), nil
}
