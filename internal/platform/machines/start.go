package machines

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Start implements delivery.Platform.
func (m *Machines) Start(ctx context.Context, r service.Release, environment map[string]string) error {
	parts, err := m.parts(r.Placement)
	if err == nil {
		err = each(parts, 0, func(_ int, p part) error {
			if p.Existing != "" {
				return p.startExisting(ctx)
			}
			return m.start(ctx, p, r.Content, environment)
		})
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", r.ID, err)
	}
	return nil
}

func (m *Machines) start(ctx context.Context, p part, c service.Content, environment map[string]string) error {
	if c.Host == nil || len(c.Host.Command) == 0 {
		return errors.New("its content has no host.command")
	}
	files, err := m.files(p, c, environment)
	if err != nil {
		return err
	}
	_, err = p.change(ctx, "start", p.startScript(m.definition), files)
	return p.explain(err)
}

// files are what an instance is started from, as a tar: its directory by its number, and units/.
func (m *Machines) files(p part, c service.Content, environment map[string]string) (io.Reader, error) {
	f := &bundle{}
	f.writer = tar.NewWriter(&f.data)
	dropIns := m.dropIns(p)
	f.directory("units", 0o755)
	for _, i := range p.instances {
		text, err := m.unit(p, i, c).render()
		if err != nil {
			return nil, err
		}
		f.file("units/"+i.unit, text, 0o644)
		if len(dropIns) > 0 {
			f.directory("units/"+i.unit+".d", 0o755)
		}
		for _, name := range slices.Sorted(maps.Keys(dropIns)) {
			f.file("units/"+i.unit+".d/"+name, dropIns[name], 0o644)
		}
		number := strconv.Itoa(i.number)
		f.directory(number, 0o755)
		f.file(number+"/unit", i.unit+"\n", 0o644)
		f.file(number+"/release", string(p.release)+"\n", 0o644)
		f.file(number+"/drop-ins", lines(slices.Sorted(maps.Keys(dropIns))), 0o644)
		if err := f.environment(number, c, environment, m.definition.Systemd.Secrets == service.SecretsCredentials); err != nil {
			return nil, err
		}
	}
	f.file(wholeFile, "", 0o644)
	return f.reader()
}

// unit is what an instance's unit is made of.
func (m *Machines) unit(p part, i instance, c service.Content) unit {
	systemd := *m.definition.Systemd
	systemd.Scope = p.Scope
	return unit{
		instance: i, service: p.release.Service(), release: p.release, command: c.Host.Command, secrets: slices.Sorted(maps.Keys(c.Secrets)),
		directory: p.Directory, address: p.address, login: m.login(p), drain: p.DrainTimeout.D(), systemd: systemd,
	}
}

// dropIns are the files of the definition's drop-ins, by name.
func (m *Machines) dropIns(p part) map[string]string {
	files := map[string]string{}
	for name, text := range m.definition.Systemd.DropIns {
		files[name] = mark(p.release.Service()) + "\n" + strings.TrimRight(text, "\n") + "\n"
	}
	return files
}

// login is the user who logs in to p's machine.
func (m *Machines) login(p part) string {
	if p.host == "" {
		return thisUser()
	}
	if h, found := m.definition.Hosts[p.host]; found {
		return h.SSH.User
	}
	return p.Hosts[p.host].SSH.User
}

func lines(all []string) string {
	text := ""
	for _, line := range all {
		text += line + "\n"
	}
	return text
}
