package haproxy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

// Operation is what a server does, as its checks see it.
type Operation int

// The operations.
const (
	// Stopped: it gets nothing.
	Stopped Operation = iota
	// Starting: it is in its slow start.
	Starting
	// Running: it gets requests, if its weight and its administration allow.
	Running
	// Stopping: it answers checks with a soft stop, and gets persistent requests alone.
	Stopping
)

// Admin is what was administered for a server.
type Admin int

// The bits of Admin, by who asked: forced is the Runtime API, inherited a tracked server, config haproxy.cfg.
const (
	ForcedMaint    Admin = 0x01
	InheritedMaint Admin = 0x02
	ConfigMaint    Admin = 0x04
	ForcedDrain    Admin = 0x08
	InheritedDrain Admin = 0x10
	// ResolveMaint: its name has no address; NameSet: the Runtime API gave it its name.
	ResolveMaint Admin = 0x20
	NameSet      Admin = 0x40
)

// Maint: it gets nothing, and is not checked. ConfigMaint alone is none: it says what the configuration has, also when the Runtime API has
// made the server ready since; a server that the configuration disables begins with both.
func (a Admin) Maint() bool { return a&(ForcedMaint|InheritedMaint|ResolveMaint) != 0 }

// Drain: it gets no new sessions but persistent ones.
func (a Admin) Drain() bool { return a&(ForcedDrain|InheritedDrain) != 0 }

// CheckResult is what the last check came to.
type CheckResult int

// The results.
const (
	CheckUnknown CheckResult = iota
	CheckNeutral
	CheckFailed
	CheckPassed
	// CheckConditional: passed, with a word that the server is about to stop.
	CheckConditional
)

// CheckState is how a server is checked.
type CheckState int

// The bits of CheckState.
const (
	CheckInProgress CheckState = 0x01
	CheckConfigured CheckState = 0x02
	CheckEnabled    CheckState = 0x04
	CheckPaused     CheckState = 0x08
)

// Server is one line of `show servers state`.
type Server struct {
	Backend, Name string
	// ID is the server's number in its backend, BackendID that of the backend among all proxies of the process.
	ID, BackendID int
	// Address is an IP address without brackets, empty where there is none (a name that was not resolved, a Unix socket), and Port 0 where
	// the client's is kept. FQDN is the name it was resolved from, empty where the configuration has an address.
	Address string
	Port    int
	FQDN    string
	// Operation, and Admin, which goes before it.
	Operation Operation
	Admin     Admin
	// Weight is the one it has now, 0 to 256, and InitialWeight that of the configuration or of `add server`. What percent of InitialWeight
	// and slow start make of it is in `show stat`.
	Weight, InitialWeight int
	// Since is how long it has been in its operation, in whole seconds.
	Since time.Duration
	// CheckResult is that of the last check, and CheckState how it is checked: 0 for not at all. AgentState is CheckState of the agent's checks.
	CheckResult CheckResult
	CheckState  CheckState
	AgentState  CheckState
}

// HostPort is the address with its port, IPv6 in brackets: "[::1]:8080". Empty where there is no address.
func (s Server) HostPort() string {
	if s.Address == "" {
		return ""
	}
	return net.JoinHostPort(s.Address, s.port())
}

func (s Server) port() string { return strconv.Itoa(s.Port) }

// Checked: HAProxy asks it whether it is up.
func (s Server) Checked() bool {
	return s.CheckState&(CheckConfigured|CheckEnabled) == CheckConfigured|CheckEnabled
}

// Eligible: it would get new requests, were its weight above 0: up or not checked, neither in maintenance nor draining.
func (s Server) Eligible() bool {
	return (s.Operation == Running || s.Operation == Starting) && !s.Admin.Maint() && !s.Admin.Drain()
}

// Servers returns the state of the backend's servers, in the order of the configuration. A backend that is not there is an error with
// ErrNoBackend that names those there are.
func (c *Client) Servers(ctx context.Context, backend string) ([]Server, error) {
	answers, err := c.Query(ctx, "show servers state "+backend)
	if err != nil {
		return nil, c.nameBackends(ctx, backend, err)
	}
	servers, err := ParseServers(answers[0])
	if err != nil {
		return nil, fmt.Errorf("%s: read the servers of backend %s: %w", c.name, backend, err)
	}
	return servers, nil
}

// Backends lists the names of the backends.
func (c *Client) Backends(ctx context.Context) ([]string, error) {
	answers, err := c.Query(ctx, "show backend")
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(answers[0]) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' {
			names = append(names, name)
		}
	}
	return names, nil
}

// nameBackends makes of an error that says that a backend is not there one that names those there are.
func (c *Client) nameBackends(ctx context.Context, backend string, err error) error {
	if !errors.Is(err, ErrNoBackend) {
		return err
	}
	have, asked := c.Backends(ctx)
	switch {
	case asked != nil:
		return err
	case len(have) == 0:
		return fmt.Errorf("%s: there is no backend %s, and no other: %w", c.name, backend, ErrNoBackend)
	}
	return fmt.Errorf("%s: there is no backend %s; there is %s: %w", c.name, backend, strings.Join(have, ", "), ErrNoBackend)
}

// ParseServers reads the answer to `show servers state`, of one backend or of all.
func ParseServers(text string) ([]Server, error) {
	version, rest, _ := strings.Cut(text, "\n")
	if strings.TrimSpace(version) != "1" {
		return nil, fmt.Errorf("the state has the version %q, and only 1 is known", bounded(version))
	}
	header, rest, _ := strings.Cut(rest, "\n")
	names, ok := strings.CutPrefix(strings.TrimSpace(header), "# ")
	if !ok {
		return nil, fmt.Errorf("the state has no line with the names of its columns, but %q", bounded(header))
	}
	columns := strings.Fields(names)
	var servers []Server
	for line := range strings.Lines(rest) {
		values := strings.Fields(line)
		if len(values) == 0 {
			continue
		}
		if len(values) < len(columns) {
			return nil, fmt.Errorf("a server has %d of %d columns: %q", len(values), len(columns), bounded(line))
		}
		s, err := parseServer(columns, values)
		if err != nil {
			return nil, fmt.Errorf("%w: %q", err, bounded(line))
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// parseServer reads one line; values has at least as many elements as columns.
func parseServer(columns, values []string) (s Server, err error) {
	texts := map[string]*string{"be_name": &s.Backend, "srv_name": &s.Name, "srv_addr": &s.Address, "srv_fqdn": &s.FQDN}
	var seconds, operation, admin, result, state, agent int
	numbers := map[string]*int{
		"srv_id": &s.ID, "be_id": &s.BackendID, "srv_port": &s.Port, "srv_uweight": &s.Weight, "srv_iweight": &s.InitialWeight, "srv_op_state": &operation,
		"srv_admin_state": &admin, "srv_time_since_last_change": &seconds, "srv_check_result": &result, "srv_check_state": &state,
		"srv_agent_state": &agent,
	}
	for i, column := range columns {
		if text := texts[column]; text != nil {
			if values[i] != "-" {
				*text = values[i]
			}
			delete(texts, column)
		}
		if number := numbers[column]; number != nil {
			*number, err = strconv.Atoi(values[i])
			if number == &seconds {
				seconds = max(0, seconds) // right behind the start it is -1, by the clocks of HAProxy
			}
			if err != nil || *number < 0 || *number > math.MaxInt32 {
				return s, fmt.Errorf("the column %s is no number that is known here", column)
			}
			delete(numbers, column)
		}
	}
	for column := range texts {
		return s, fmt.Errorf("the column %s is missing", column)
	}
	for column := range numbers {
		return s, fmt.Errorf("the column %s is missing", column)
	}
	s.Operation, s.Admin, s.CheckResult, s.CheckState = Operation(operation), Admin(admin), CheckResult(result), CheckState(state)
	s.AgentState = CheckState(agent)
	s.Since = time.Duration(seconds) * time.Second
	return s, nil
}
