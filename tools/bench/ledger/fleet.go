//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// fleet is many services that run. One is applied by real Terraform; the others are its copies, in the store, in Terraform's state
// and on disk, under names and release ids of their own. What stands in for their instances are a few processes that listen on
// their ports: each service's instance is looked at as if it were alone.
type fleet struct {
	dir      string // of all of it
	provider string // the built provider
	services int
	content  service.Content
	standins []*exec.Cmd
}

const (
	environment = "production"
	// firstPort is that of the first service; each has one slot with one port.
	firstPort = 20000
	// listened are how many ports a process stands in for.
	listened = 50
)

func name(i int) string { return fmt.Sprintf("svc%04d", i) }

func (f *fleet) id(i int) service.ID { return service.NewID(environment, name(i)) }

func (f *fleet) store() string         { return filepath.Join(f.dir, "store") }
func (f *fleet) host(i int) string     { return filepath.Join(f.dir, "host", name(i)) }
func (f *fleet) configuration() string { return filepath.Join(f.dir, "configuration") }

// root is the configuration of the first n services, each a module, as people write it. (One resource with so many instances would
// measure Terraform alone: each reference to one of them costs it a walk over all.)
func root(n int) string {
	return fmt.Sprintf(`terraform {
  required_providers {
    deploy = { source = "registry.terraform.io/progressive-delivery/deploy" }
  }
}

module "service" {
  source   = "./service"
  for_each = { for i in range(%d) : format("svc%%04d", i) => %d + i }
  name     = each.key
  port     = each.value
}
`, n, firstPort)
}

// module is one service with six stages.
func (f *fleet) module() string {
	return fmt.Sprintf(`terraform {
  required_providers {
    deploy = { source = "registry.terraform.io/progressive-delivery/deploy" }
  }
}

variable "name" { type = string }
variable "port" { type = number }

locals {
  content = {
    version  = %q
    artifact = %q
    config   = { GREETING = "hello" }
    host     = { command = ["./web"] }
  }
}

resource "deploy_service" "web" {
  name        = var.name
  environment = %q
  platform    = { host = { directory = "%s/${var.name}", slots = { blue = { port = var.port } } } }
  metrics     = { scrape = {} }
}

resource "deploy_preflight" "web" {
  service = deploy_service.web.id
  release = provider::deploy::release_id(deploy_service.web.id, local.content)
}

resource "deploy_checkpoint" "web" {
  service = deploy_service.web.id
  release = deploy_preflight.web.release
}

resource "deploy_release" "web" {
  service    = deploy_service.web.id
  checkpoint = deploy_checkpoint.web.id
  content    = local.content
  health     = { http = { path = "/healthz" }, min_healthy_time = "100ms" }
}

resource "deploy_smoke_test" "web" {
  release = deploy_release.web.release
  checks = {
    home     = { http = { path = "/", max_latency = "10s" } }
    checkout = { http = { path = "/checkout", json = { "$.status" = "paid" } } }
  }
}

resource "deploy_verification" "web" {
  release = deploy_smoke_test.web.release
  checks  = { home = { http = { path = "/" } } }
}

resource "deploy_finalization" "web" {
  release = deploy_verification.web.release
}
`, f.content.Version, f.content.Artifact, environment, filepath.Join(f.dir, "host"))
}

// make applies the first service and copies it.
func (f *fleet) make(ctx context.Context, app string) error {
	digest, err := artifact.Digest(ctx, app)
	if err != nil {
		return err
	}
	f.content = service.Content{
		Version: "1", Artifact: "file:" + app + "@" + digest, Config: map[string]string{"GREETING": "hello"}, Host: &service.HostContent{Command: []string{"./web"}},
	}
	if err := f.writeConfiguration(f.configuration(), 1); err != nil {
		return err
	}
	for _, args := range [][]string{{"init", "-input=false"}, {"apply", "-auto-approve", "-input=false"}} {
		if out, err := f.terraform(ctx, f.provider, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("terraform %s: %w\n%s", args[0], err, out)
		}
	}
	if err := copyState(filepath.Join(f.configuration(), "terraform.tfstate"), f.services, f.renamedObject); err != nil {
		return err
	}
	for from := 1; from < f.services; from += listened {
		standin, err := f.standIn(ctx, from, min(from+listened, f.services))
		if err != nil {
			return err
		}
		for i := from; i < min(from+listened, f.services); i++ {
			if err := f.copyService(i, standin); err != nil {
				return err
			}
		}
	}
	return f.writeConfiguration(f.configuration(), f.services)
}

func (f *fleet) writeConfiguration(dir string, services int) error {
	return errors.Join(
		writeFile(filepath.Join(dir, "main.tf"), []byte(root(services))),
		writeFile(filepath.Join(dir, "service", "main.tf"), []byte(f.module())))
}

// end stops what runs.
func (f *fleet) end() {
	f.endFirst()
	for _, s := range f.standins {
		_ = s.Process.Kill()
		_ = s.Wait()
	}
}

// endFirst ends the one real instance, and its supervisor before it.
func (f *fleet) endFirst() {
	status, found, err := supervisor.Directory(filepath.Join(f.host(0), "run", "blue", "0")).ReadStatus()
	if err != nil || !found {
		return
	}
	_, _ = status.Supervisor.Signal(syscall.SIGKILL)
	_, _ = status.Child.Signal(syscall.SIGKILL)
}

// renamed is a text about the first service as one about another.
func (f *fleet) renamed(text string, i int) string {
	was, is := f.content.ReleaseID(f.id(0)).Label(), f.content.ReleaseID(f.id(i)).Label()
	text = strings.ReplaceAll(text, name(0), name(i))
	text = strings.ReplaceAll(text, was, is)
	return portPattern.ReplaceAllString(text, strconv.Itoa(firstPort+i))
}

var portPattern = regexp.MustCompile(`\b` + strconv.Itoa(firstPort) + `\b`)

// copyService copies the first service's ledger, and what the platform knows of its instance.
func (f *fleet) copyService(i int, standin process.Identity) error {
	from := filepath.Join(f.store(), string(f.id(0)))
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // our own directory
		if err != nil {
			return err
		}
		return writeFile(f.renamed(path, i), []byte(f.renamed(string(data), i)))
	})
	if err == nil {
		err = writeFile(filepath.Join(f.store(), "_services", string(f.id(i))), nil)
	}
	if err != nil {
		return fmt.Errorf("copy the ledger of %s: %w", f.id(0), err)
	}
	place := filepath.Join("run", "blue", "0")
	status, found, err := supervisor.Directory(filepath.Join(f.host(0), place)).ReadStatus()
	if err != nil || !found {
		return errors.Join(err, errors.New("the first service's instance has no status"))
	}
	status.Release, status.Supervisor, status.Child = f.content.ReleaseID(f.id(i)), standin, standin
	data, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("encode a status: %w", err)
	}
	return errors.Join(
		writeFile(filepath.Join(f.host(i), place, "status.json"), data),
		writeFile(filepath.Join(f.host(i), "service"), []byte(string(f.id(i))+"\n")))
}

// copyState copies the first service's objects in a state; renamed makes the object of another service of the first one's JSON.
func copyState(path string, services int, renamed func(first string, i int) (map[string]any, error)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var state map[string]any
	if err := json.Unmarshal(data, &state); err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	resources, _ := state["resources"].([]any)
	for _, r := range resources {
		first, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode the state: %w", err)
		}
		for i := 1; i < services; i++ {
			resource, err := renamed(string(first), i)
			if err != nil {
				return fmt.Errorf("copy the state: %w", err)
			}
			resources = append(resources, resource)
		}
	}
	state["resources"] = resources
	if data, err = json.Marshal(state); err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	return writeFile(path, data)
}

func (f *fleet) renamedObject(first string, i int) (resource map[string]any, err error) {
	if err := json.Unmarshal([]byte(f.renamed(first, i)), &resource); err != nil {
		return nil, err
	}
	instances, _ := resource["instances"].([]any)
	for _, one := range instances {
		instance, _ := one.(map[string]any)
		if instance["private"], err = f.renamedPrivate(instance["private"], i); err != nil {
			return nil, err
		}
	}
	return resource, nil
}

// renamedPrivate renames in private state: JSON in base64 in JSON in base64.
func (f *fleet) renamedPrivate(private any, i int) (string, error) {
	text, _ := private.(string)
	outer, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("read private state: %w", err)
	}
	var keys map[string][]byte
	if err := json.Unmarshal(outer, &keys); err != nil {
		return "", fmt.Errorf("read private state: %w", err)
	}
	for key, value := range keys {
		keys[key] = []byte(f.renamed(string(value), i))
	}
	if outer, err = json.Marshal(keys); err != nil {
		return "", fmt.Errorf("encode private state: %w", err)
	}
	return base64.StdEncoding.EncodeToString(outer), nil
}

// standIn starts a process that listens on the ports of services.
func (f *fleet) standIn(ctx context.Context, from, to int) (process.Identity, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], standInArgument, strconv.Itoa(firstPort+from), strconv.Itoa(firstPort+to)) //nolint:gosec // ourselves
	cmd.SysProcAttr = ownSession
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return process.Identity{}, fmt.Errorf("start a stand-in: %w", err)
	}
	f.standins = append(f.standins, cmd)
	ready := make([]byte, 1)
	if _, err := out.Read(ready); err != nil {
		return process.Identity{}, fmt.Errorf("wait for a stand-in that listens on the ports from %d: %w", firstPort+from, err)
	}
	return process.Of(cmd.Process.Pid)
}

// terraform prepares a run with a provider.
func (f *fleet) terraform(ctx context.Context, plugins string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir = f.configuration()
	cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "DEPLOY_STORE=file://"+f.store(), "TF_CLI_CONFIG_FILE="+plugins+".rc")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
