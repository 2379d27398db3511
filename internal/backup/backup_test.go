package backup

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestValidate(t *testing.T) {
	whole := func(change func(*service.CommandBackup)) service.Backup {
		c := service.CommandBackup{Save: []string{"a"}, Restore: []string{"b"}, Timeout: 1}
		change(&c)
		return service.Backup{Command: &c, OnRestore: "keep"}
	}
	at := func(path string) service.Backup {
		return service.Backup{Files: &service.FilesBackup{Path: path}, OnRestore: "discard"}
	}
	for name, c := range map[string]struct {
		b service.Backup
		// path and detail are empty where nothing is wrong.
		path, detail string
	}{
		"files":           {at("/srv/web/uploads/"), "", ""},
		"command":         {whole(func(c *service.CommandBackup) { c.Secrets = map[string]string{"A": "a"} }), "", ""},
		"neither":         {service.Backup{OnRestore: "keep"}, "", "exactly one of files, command"},
		"both":            {service.Backup{Files: &service.FilesBackup{}, Command: &service.CommandBackup{}, OnRestore: "keep"}, "", "exactly one of files, command"},
		"on_restore":      {service.Backup{Files: &service.FilesBackup{Path: "/a"}, OnRestore: "ask"}, "on_restore", "keep"},
		"no on_restore":   {service.Backup{Files: &service.FilesBackup{Path: "/a"}}, "on_restore", "discard"},
		"relative":        {at("uploads"), "files.path", "absolute"},
		"empty":           {at(""), "files.path", "absolute"},
		"everything":      {at("/"), "files.path", "whole file system"},
		"everything else": {at("/srv/.."), "files.path", "whole file system"},
		"line break":      {at("/srv/a\nb"), "files.path", "control characters"},
		"no save":         {whole(func(c *service.CommandBackup) { c.Save = nil }), "command.save", "program"},
		"empty restore":   {whole(func(c *service.CommandBackup) { c.Restore = []string{""} }), "command.restore", "program"},
		"no timeout":      {whole(func(c *service.CommandBackup) { c.Timeout = 0 }), "command.timeout", "above 0"},
		"variable":        {whole(func(c *service.CommandBackup) { c.Environment = map[string]string{"A-B": ""} }), "command.environment.A-B", "variable"},
		"our variable":    {whole(func(c *service.CommandBackup) { c.Environment = map[string]string{"DEPLOY_BACKUP": ""} }), "command.environment.DEPLOY_BACKUP", "itself"},
		"no credential":   {whole(func(c *service.CommandBackup) { c.Secrets = map[string]string{"A": ""} }), "command.secrets.A", "credential"},
		"variable twice": {whole(func(c *service.CommandBackup) {
			c.Environment, c.Secrets = map[string]string{"A": ""}, map[string]string{"A": "a"}
		}), "command.secrets.A", "one of them"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := Validate(c.b)
			_, err := New("it", c.b, nil)
			if c.detail == "" {
				if len(problems) != 0 || err != nil {
					t.Errorf("refused: %v, %v", problems, err)
				}
				return
			}
			if len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.path || !strings.Contains(problems[0].Detail, c.detail) {
				t.Errorf("found %v, wanted one of %q: …%s…", problems, c.path, c.detail)
			}
			if err == nil {
				t.Error("New takes it")
			}
		})
	}
}
