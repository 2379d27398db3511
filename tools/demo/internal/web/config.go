// Package web is the service that the demo releases: one program whose behaviour comes from its environment, so that
// a release's config alone tells a good version from a bad one.
package web

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault is what is wrong with a release.
type Fault string

// The faults.
const (
	// NoFault: nothing is wrong.
	NoFault Fault = ""
	// NeverHealthy: it runs, and its health check says 503 for ever.
	NeverHealthy Fault = "never-healthy"
	// BrokenCheckout: healthy, and the flow that the smoke test walks through fails.
	BrokenCheckout Fault = "broken-checkout"
	// FailsUnderTraffic: healthy, passes its smoke test, and answers a share of its users' requests with 500.
	FailsUnderTraffic Fault = "fails-under-traffic"
	// FailsOnCommand: the same, from when somebody says so on, and by chance.
	FailsOnCommand Fault = "fails-on-command"
)

// Config is what the environment says.
type Config struct {
	// Address and Port to listen on (DEPLOY_ADDRESS, else loopback; PORT).
	Address string
	Port    int
	// Release is the id of the release that this process runs (DEPLOY_RELEASE).
	Release string
	// Instance tells the instances of a release apart (DEPLOY_INSTANCE, else the port).
	Instance string
	// Greeting of the home page (GREETING).
	Greeting string
	// Fault of this release (FAULT).
	Fault Fault
	// FaultShare is the share of users' requests that fail, from 0 to 1 (FAULT_SHARE), once FaultAfter of them
	// were answered (FAULT_AFTER): like a pool that leaks, the fault needs traffic to show.
	FaultShare float64
	FaultAfter int
	// FaultFile is the file that, once it is there, commands FailsOnCommand (FAULT_FILE).
	FaultFile string
}

// ConfigFrom reads the configuration with lookup, which is os.Getenv outside of tests.
func ConfigFrom(lookup func(string) string) (Config, error) {
	c := Config{
		Address: lookup("DEPLOY_ADDRESS"), Release: lookup("DEPLOY_RELEASE"),
		Instance: lookup("DEPLOY_INSTANCE"),
		Greeting: lookup("GREETING"),
		Fault:    Fault(lookup("FAULT")),
	}
	var err error
	if c.Port, err = strconv.Atoi(lookup("PORT")); err != nil {
		return Config{}, fmt.Errorf("read PORT: %w", err)
	}
	if c.Address == "" {
		c.Address = "127.0.0.1"
	}
	if c.Release == "" {
		return Config{}, fmt.Errorf("DEPLOY_RELEASE is not set: the platform says which release a process runs")
	}
	if c.Instance == "" {
		c.Instance = strconv.Itoa(c.Port)
	}
	switch c.Fault {
	case NoFault, NeverHealthy, BrokenCheckout:
		return c, nil
	case FailsUnderTraffic, FailsOnCommand:
	default:
		return Config{}, fmt.Errorf("FAULT %q is not known: leave it out, or use %s, %s, %s or %s",
			c.Fault, NeverHealthy, BrokenCheckout, FailsUnderTraffic, FailsOnCommand)
	}
	if c.FaultShare, err = strconv.ParseFloat(lookup("FAULT_SHARE"), 64); err != nil || c.FaultShare < 0 || c.FaultShare > 1 {
		return Config{}, fmt.Errorf("FAULT_SHARE %q is not a share from 0 to 1", lookup("FAULT_SHARE"))
	}
	if after := lookup("FAULT_AFTER"); after != "" {
		if c.FaultAfter, err = strconv.Atoi(after); err != nil {
			return Config{}, fmt.Errorf("read FAULT_AFTER: %w", err)
		}
	}
	if c.FaultFile = lookup("FAULT_FILE"); (c.FaultFile != "") != (c.Fault == FailsOnCommand) {
		return Config{}, fmt.Errorf("FAULT_FILE %q: it goes with FAULT %s, and with no other", c.FaultFile, FailsOnCommand)
	}
	return c, nil
}

// Version is the version in the release's id: "v2" of "production/web/v2-5c1f9e0b".
func (c Config) Version() string { return VersionOf(c.Release) }

// VersionOf takes the version out of a release's id.
func VersionOf(release string) string {
	label := release[strings.LastIndexByte(release, '/')+1:]
	if i := strings.LastIndexByte(label, '-'); i >= 0 {
		return label[:i]
	}
	return label
}
