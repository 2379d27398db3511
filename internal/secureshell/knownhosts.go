package secureshell

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// knownHosts reads what the file known_hosts says about the machine.
func (l *link) knownHosts() (*expected, error) {
	path := l.definition.KnownHosts
	check, err := knownhosts.New(path)
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	e := &expected{link: l, check: check}
	// A key that nobody has: what is wanted instead is all that the file knows.
	nobody, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil, fmt.Errorf("make a key to ask known_hosts with: %w", err)
	}
	var other *knownhosts.KeyError
	if errors.As(check(l.address(), asked(l.address()), nobody), &other) {
		marked := markedLines(text)
		for _, known := range other.Want {
			if marked[known.Line] {
				e.authorities = append(e.authorities, known.Key)
			} else {
				e.keys = append(e.keys, known.Key)
			}
		}
	}
	return e, nil
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
