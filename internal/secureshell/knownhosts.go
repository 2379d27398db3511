package secureshell

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// knownHosts reads what the file known_hosts says about the machine.
func (l *link) knownHosts() (*expected, error) {
	path := l.definition.KnownHosts
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read known_hosts: %w: write the machine's public key as host_key, or the path of a file that has it as known_hosts", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	check, err := knownhosts.New(path)
	if err != nil {
		check, err = understood(text, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	// A key that nobody has: what is wanted instead is all that the file knows.
	nobody, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil, fmt.Errorf("make a key to ask known_hosts with: %w", err)
	}
	marked := markedLines(text)
	e := &expected{link: l}
	// As OpenSSH has it, an entry without a port holds for all ports that have none of their own.
	for _, place := range []string{l.address(), net.JoinHostPort(l.definition.Address, "22")} {
		e.check = func(remote net.Addr, key ssh.PublicKey) error { return check(place, remote, key) }
		var other *knownhosts.KeyError
		if errors.As(e.check(asked(place), nobody), &other) {
			e.add(other.Want, marked)
		}
		if len(e.keys)+len(e.authorities) > 0 {
			break
		}
	}
	return e, nil
}

// add expects what is known, by authorities where the number of the line is marked.
func (e *expected) add(known []knownhosts.KnownKey, marked map[int]bool) {
	for _, k := range known {
		if marked[k.Line] {
			e.authorities = append(e.authorities, k.Key)
		} else {
			e.keys = append(e.keys, k.Key)
		}
	}
}

// markedLines are the numbers of the lines, from 1, that name an authority.
func markedLines(text []byte) map[int]bool {
	marked := map[int]bool{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "@cert-authority") {
			marked[number] = true
		}
	}
	return marked
}

// asked is an address that nothing was connected to.
type asked string

var _ net.Addr = asked("")

func (a asked) Network() string { return "tcp" }
func (a asked) String() string  { return string(a) }
