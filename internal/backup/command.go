package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/program"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// shownOutput bounds the output in an error, in bytes: the last of it.
const shownOutput = 2 << 10

// command saves and restores by programs of the user's. Whatever the first leaves in its directory is the backup.
type command struct {
	service.CommandBackup
	credentials delivery.Credentials
}

// Save implements delivery.Backup.
func (c command) Save(ctx context.Context, dir string) ([]service.BackupFile, error) {
	dir, err := newDirectory(dir)
	if err != nil {
		return nil, err
	}
	if err := c.run(ctx, c.CommandBackup.Save, dir); err != nil {
		return nil, err
	}
	saved, err := record(ctx, dir)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(saved, func(f service.BackupFile) bool { return f.Size > 0 }) {
		return nil, fmt.Errorf("%s ended well and wrote nothing into %s: it must write into the directory that DEPLOY_BACKUP names", c.CommandBackup.Save[0], dir)
	}
	if err := flushAll(dir); err != nil {
		return nil, err
	}
	return saved, nil
}

// Verify implements delivery.Backup.
func (c command) Verify(ctx context.Context, dir string, saved []service.BackupFile) error {
	return verify(ctx, dir, saved)
}

// Restore implements delivery.Backup; it is as idempotent as the user's program.
func (c command) Restore(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find the backup's directory: %w", err)
	}
	saved, err := record(ctx, dir)
	if err != nil {
		return err
	}
	if len(saved) == 0 {
		return fmt.Errorf("%s is empty: there is nothing to restore", dir)
	}
	return c.run(ctx, c.CommandBackup.Restore, dir)
}

// run runs argv with dir as DEPLOY_BACKUP. Its errors hold the end of the output, without secrets.
func (c command) run(ctx context.Context, argv []string, dir string) error {
	environment := []string{"DEPLOY_BACKUP=" + dir}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		environment = append(environment, name+"="+c.Environment[name])
	}
	var secrets scrub.Secrets
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if c.credentials == nil {
			return fmt.Errorf("credential %q is not known here", c.Secrets[name])
		}
		secret, err := c.credentials.Lookup(c.Secrets[name])
		if err != nil {
			return fmt.Errorf("look up credential %q for %s: %w", c.Secrets[name], name, err)
		}
		secrets.Add(secret)
		environment = append(environment, name+"="+secret)
	}
	e, err := program.Program{Argv: argv, Environment: environment, Timeout: c.Timeout.D()}.Run(ctx)
	if err == nil && e.Code == 0 {
		return nil
	}
	if err == nil {
		err = errors.New(e.Status)
	}
	failure := fmt.Errorf("run %s: %w", argv[0], err)
	if output := strings.TrimSpace(scrub.Printable(secrets.Text(e.Output))); output != "" {
		failure = fmt.Errorf("%w; the end of its output:\n%s", failure, scrub.Last(output, shownOutput))
	}
	return failure
}

// Procedure implements delivery.Backup. Secrets appear by name: whoever follows it sets them before.
func (c command) Procedure(dir string) []string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	var lines []string
	if program := c.CommandBackup.Restore[0]; strings.Contains(program, "/") && !filepath.IsAbs(program) {
		lines = append(lines, "# In the directory of the Terraform configuration:")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		lines = append(lines,
			fmt.Sprintf(`: "${%s:?set it to the credential %s}"`, name, c.Secrets[name]),
			"export "+name)
	}
	words := []string{"DEPLOY_BACKUP=" + shellword.Quote(dir)}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		words = append(words, name+"="+shellword.Quote(c.Environment[name]))
	}
	for _, word := range c.CommandBackup.Restore {
		words = append(words, shellword.Quote(word))
	}
	return append(lines, strings.Join(words, " "))
}
