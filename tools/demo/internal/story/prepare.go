package story

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
)

// serviceID is the service of the configurations.
const serviceID = "production/web"

// The programs, by their names below bin.
const (
	providerBinary = "terraform-provider-deploy"
	webBinary      = "web"
)

// build compiles the provider, the service and what the place needs, and finds the CLI.
func (d *Demo) build(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.options.BuildLimit, fmt.Errorf("the builds take longer than %s", d.options.BuildLimit))
	defer cancel()
	if err := d.place.Build(ctx, d.workshop, d.say); err != nil {
		return err
	}
	d.say("building the provider")
	if _, err := d.workshop.Build(ctx, providerBinary, ".", "."); err != nil {
		return err
	}
	d.say("building the service that is released")
	// Static, to run on other systems than this one as well.
	if _, err := d.workshop.Build(ctx, webBinary, "tools/demo", "./cmd/web", "CGO_ENABLED=0"); err != nil {
		return err
	}
	found, err := terraform.Find(ctx, d.workshop.Bin(), d.say)
	if err != nil {
		return err
	}
	d.cli = &terraform.CLI{Found: found}
	d.say("using %s", found.Path)
	return nil
}

// prepare lays out the directories, installs the provider, starts the place and writes the configuration's variables.
func (d *Demo) prepare(ctx context.Context) error {
	paths := map[string]string{}
	for _, name := range []string{"configuration", "plugins", "logs", "store"} {
		path, err := d.workshop.Make(name)
		if err != nil {
			return err
		}
		paths[name] = path
	}
	provider := filepath.Join(d.workshop.Bin(), providerBinary)
	d.mirror = paths["plugins"]
	d.cli.Directory, d.cli.Logs = paths["configuration"], paths["logs"]
	var err error
	if d.cli.Configuration, err = terraform.Install(d.cli.Found, provider, paths["plugins"]); err != nil {
		return err
	}
	d.operator = operator.Operator{Binary: provider, Store: "file://" + paths["store"], Service: serviceID}
	if err := d.workshop.CopyConfiguration(d.place.Example(), d.cli.Directory); err != nil {
		return err
	}
	started, err := d.place.Start(ctx, d.workshop, d.say)
	if err != nil {
		return err
	}
	d.urls, d.cli.Environment = started.URLs, started.Environment
	return d.writeVariables(started.Variables)
}

// writeVariables writes what stays the same through the story; web_version is given to each plan.
func (d *Demo) writeVariables(ofPlace map[string]any) error {
	variables := maps.Clone(ofPlace)
	variables["artifact"], variables["store"] = filepath.Join(d.workshop.Bin(), webBinary), d.operator.Store
	text, err := json.MarshalIndent(variables, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(d.cli.Directory, "demo.auto.tfvars.json"), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the variables: %w", err)
	}
	return nil
}
