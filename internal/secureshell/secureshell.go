// Package secureshell logs in to machines over SSH, runs scripts there and opens connections from there.
//
// A machine is connected to once, whoever asks for it: the connection is shared, kept alive, and dialled again by the next call
// after it was lost. Who the machine is is always verified, by its host key or by a certificate of it.
package secureshell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	defaultKeepAlive      = 5 * time.Second
	defaultSilence        = 15 * time.Second
	defaultConnectTimeout = 10 * time.Second
	// failureShared is how long a failed dial is the answer to all who ask: many callers in a row do not dial a failing machine each.
	failureShared = time.Second
	// maxSessions is how many scripts run over one connection at a time, below the 10 of sshd's default MaxSessions.
	maxSessions = 8
	// maxBastions bounds a chain of bastions.
	maxBastions = 4
)

// ErrUnreachable is in every error that says that a machine could not be reached or logged in to, or that its connection was
// lost, as opposed to a script that failed.
var ErrUnreachable = errors.New("machine is not reachable")

// ErrForbidden is in every error of Dial over tcp that says that the machine's sshd opens no such connection, as opposed to one that it tried to
// open: nothing is known of who listens at the address. Of sockets sshd does not tell.
var ErrForbidden = errors.New("sshd forbids the connection")

var errClosed = errors.New("the connections are closed")

// Credentials resolves names to secrets.
type Credentials interface {
	// Lookup returns the secret called name; the error says how to give it, and never holds a secret.
	Lookup(name string) (string, error)
}

// Options are what is the same for all machines; the zero value has the usual ones.
type Options struct {
	// KeepAlive is the time between two questions whether a machine is still there; 0: 5 s.
	KeepAlive time.Duration
	// Silence is how long a machine may send nothing at all before its connection counts as lost; 0: 15 s.
	Silence time.Duration
	// AgentSocket is the path of the agent's socket; empty: that of SSH_AUTH_SOCK.
	AgentSocket string
}

// Connections shares SSH connections: one per machine and way of logging in, kept alive, dialled again when lost. It is safe for
// concurrent use.
type Connections struct {
	credentials Credentials
	options     Options
	// ctx ends with Close, and with it every dial.
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	links  map[string]*link
	// clients are those that are logged in.
	clients map[*client]bool
}

// New returns connections that log in with credentials. It connects to nothing yet.
func New(credentials Credentials, options Options) *Connections {
	if options.KeepAlive <= 0 {
		options.KeepAlive = defaultKeepAlive
	}
	if options.Silence <= 0 {
		options.Silence = defaultSilence
	}
	if options.AgentSocket == "" {
		options.AgentSocket = os.Getenv("SSH_AUTH_SOCK")
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Connections{credentials: credentials, options: options, ctx: ctx, cancel: cancel, links: map[string]*link{}, clients: map[*client]bool{}}
}

// Machine is the machine of s, whose defaults are filled in. It connects when it is first used; the same s is the same connection.
func (c *Connections) Machine(s service.SSH) *Machine {
	return &Machine{link: c.link(s)}
}

// Close ends all connections, and with them what runs over them. It waits until they have ended.
func (c *Connections) Close() error {
	c.mu.Lock()
	c.closed = true
	clients := slices.Collect(maps.Keys(c.clients))
	c.mu.Unlock()
	c.cancel()
	for _, open := range clients {
		open.end(errClosed)
	}
	c.running.Wait()
	return nil
}

// link is the one for s, and for its bastions.
func (c *Connections) link(s service.SSH) *link {
	key, err := json.Marshal(s) //nolint:gosec // it holds names of credentials, and no secret
	if err != nil {             // plain texts and numbers
		panic(fmt.Sprintf("write an SSH definition: %v", err))
	}
	var via *link
	if s.Bastion != nil {
		via = c.link(*s.Bastion)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.links[string(key)]
	if l == nil {
		l = &link{connections: c, definition: s, via: via}
		c.links[string(key)] = l
	}
	return l
}

// start runs work beside the caller, and has Close wait for it; false: nothing is started any more.
func (c *Connections) start(work func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running.Go(work)
	return true
}

// remember has Close end client.
func (c *Connections) remember(client *client) {
	c.mu.Lock()
	closed := c.closed
	c.clients[client] = true
	c.mu.Unlock()
	if closed {
		client.end(errClosed)
	}
}

func (c *Connections) forget(client *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.clients, client)
}
