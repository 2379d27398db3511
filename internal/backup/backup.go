// Package backup saves and restores the data that a checkpoint names: files, or whatever a program of the user's saves.
package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// kindNames lists what there is to choose.
const kindNames = "files, command"

var variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// New makes the backup called name. The error joins all problems that Validate finds. Whether a restore is wanted
// (OnRestore) is the caller's to decide.
func New(name string, b service.Backup, credentials delivery.Credentials) (delivery.Backup, error) {
	if problems := Validate(b); len(problems) > 0 {
		failures := make([]error, len(problems))
		for i, p := range problems {
			failures[i] = p
		}
		return nil, fmt.Errorf("backup %q: %w", name, errors.Join(failures...))
	}
	var kind delivery.Backup
	if b.Files != nil {
		kind = files{path: filepath.Clean(b.Files.Path)}
	} else {
		kind = command{CommandBackup: *b.Command, credentials: credentials}
	}
	return named{Backup: kind, name: name}, nil
}

// Validate lists what is wrong with a backup; paths are relative to it, and empty where the backup as a whole is meant.
func Validate(b service.Backup) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	switch {
	case b.Files == nil && b.Command == nil:
		add("a backup needs exactly one of " + kindNames)
	case b.Files != nil && b.Command != nil:
		add("a backup needs exactly one of " + kindNames + "; this one has both")
	case b.Files != nil:
		filesProblems(*b.Files, add)
	default:
		commandProblems(*b.Command, add)
	}
	if b.OnRestore != "keep" && b.OnRestore != "discard" {
		add(fmt.Sprintf("%q is not known: use keep (what was written since stays) or discard (the backup is put back, what was written since is lost)", b.OnRestore), "on_restore")
	}
	return problems
}

func filesProblems(f service.FilesBackup, add func(string, ...string)) {
	switch {
	case !filepath.IsAbs(f.Path):
		add(fmt.Sprintf("%q is not an absolute path: write it like /srv/web/uploads", f.Path), "files", "path")
	case filepath.Clean(f.Path) == "/":
		add("the whole file system cannot be put back: name the directory that holds the service's data", "files", "path")
	case strings.ContainsFunc(f.Path, func(r rune) bool { return r < ' ' }):
		add("the path has control characters, which a procedure for people cannot carry", "files", "path")
	}
}

func commandProblems(c service.CommandBackup, add func(string, ...string)) {
	for name, argv := range map[string][]string{"save": c.Save, "restore": c.Restore} {
		if len(argv) == 0 || argv[0] == "" {
			add("give the program and its arguments, such as [\"./flags.sh\", \""+name+"\"]; it finds its directory in DEPLOY_BACKUP", "command", name)
		}
	}
	if c.Timeout <= 0 {
		add(fmt.Sprintf("%s is no time to wait: give a duration above 0, such as \"10m\"", c.Timeout), "command", "timeout")
	}
	variable := func(name, attribute string) {
		switch {
		case !variablePattern.MatchString(name):
			add(fmt.Sprintf("%q is not the name of an environment variable: use letters, digits and underscores, not beginning with a digit", name), "command", attribute, name)
		case strings.HasPrefix(name, "DEPLOY_"):
			add(name+" begins with DEPLOY_, which the backup sets itself: choose another name", "command", attribute, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		variable(name, "environment")
		if strings.ContainsRune(c.Environment[name], 0) {
			add("the value has a NUL character, which an environment cannot carry", "command", "environment", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		variable(name, "secrets")
		if c.Secrets[name] == "" {
			add("give the name of a credential", "command", "secrets", name)
		}
		if _, twice := c.Environment[name]; twice {
			add(name+" is in environment and in secrets: keep one of them", "command", "secrets", name)
		}
	}
}

// named puts the backup's name before its errors.
type named struct {
	delivery.Backup
	name string
}

func (n named) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s backup %q: %w", doing, n.name, err)
}

// Save implements delivery.Backup.
func (n named) Save(ctx context.Context, dir string) ([]service.BackupFile, error) {
	saved, err := n.Backup.Save(ctx, dir)
	return saved, n.failed("save", err)
}

// Verify implements delivery.Backup.
func (n named) Verify(ctx context.Context, dir string, saved []service.BackupFile) error {
	return n.failed("verify", n.Backup.Verify(ctx, dir, saved))
}

// Restore implements delivery.Backup.
func (n named) Restore(ctx context.Context, dir string) error {
	return n.failed("restore", n.Backup.Restore(ctx, dir))
}
