package haproxy

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNoServer is in the error of a command for a server that is not there.
	ErrNoServer = errors.New("no such server")
	// ErrNoBackend is in the error of a command for a backend that is not there.
	ErrNoBackend = errors.New("no such backend")
	// ErrPermission is in the error of a command that the socket's level does not allow.
	ErrPermission = errors.New("permission denied")
	// ErrUnknownCommand is in the error of a command that this version of HAProxy does not have.
	ErrUnknownCommand = errors.New("unknown command")
)

// AnswerError is a command that HAProxy refused.
type AnswerError struct {
	// Name of the client, and the Command as it was sent.
	Name, Command string
	// Answer of HAProxy in its own words.
	Answer string
	// Alike is how many more commands got the same answer.
	Alike int
}

// refusals are beginnings of HAProxy's answers, with what they are and what to do.
var refusals = []struct {
	begins, remedy string
	kind           error
}{
	{"Permission denied", "the socket needs level admin: write `stats socket … level admin` into the section global of haproxy.cfg, and reload HAProxy", ErrPermission},
	{"No such server", "`show servers state` lists those there are", ErrNoServer},
	{"No such backend", "`show backend` lists those there are", ErrNoBackend},
	{"No such proxy", "`show stat` lists those there are", ErrNoBackend},
	{"Can't find backend", "`show backend` lists those there are", ErrNoBackend},
	{"Require 'backend/server'", "name the server as backend/server", nil},
	{"This command is restricted to", "HAProxy 2.6 and later have it for all", nil},
	{"Backend is using a static LB algorithm", "weights can be changed while HAProxy runs with `balance roundrobin`, `leastconn` or `hash-type consistent`", nil},
	{"Unknown command", "this HAProxy is too old for it", ErrUnknownCommand},
}

// Error implements error.
func (e *AnswerError) Error() string {
	text := fmt.Sprintf("%s: %q", e.Name, e.Command)
	if e.Alike > 0 {
		text += fmt.Sprintf(" and %d more commands", e.Alike)
	}
	text += ": HAProxy says: " + strings.TrimRight(bounded(e.Answer), ".:")
	for _, r := range refusals {
		if strings.HasPrefix(e.Answer, r.begins) {
			return text + "; " + r.remedy
		}
	}
	return text
}

// Is tells what kind of refusal it is: ErrNoServer, ErrNoBackend, ErrPermission, ErrUnknownCommand.
func (e *AnswerError) Is(target error) bool {
	for _, r := range refusals {
		if r.kind != nil && r.kind == target && strings.HasPrefix(e.Answer, r.begins) {
			return true
		}
	}
	return false
}
