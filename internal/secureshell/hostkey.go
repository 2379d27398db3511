package secureshell

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// expected is who a machine must be.
type expected struct {
	link *link
	// keys are its own, authorities those that sign its certificate.
	keys, authorities []ssh.PublicKey
	// check also looks at what a known_hosts file revokes; nil: there is none.
	check func(remote net.Addr, key ssh.PublicKey) error
}

// HostKeyError says that a machine is not known to be the one that is meant. It is an ErrUnreachable.
type HostKeyError struct {
	// Machine such as "deploy@10.0.0.5:22".
	Machine string
	// Shown is the key that it has, Expected are those that it may have, each as type and fingerprint: "ssh-ed25519 SHA256:…".
	Shown    string
	Expected []string
	// Reason is what is wrong, and Remedy what to do.
	Reason, Remedy string
}

func (e *HostKeyError) Error() string {
	want := "none is known for it"
	if len(e.Expected) > 0 {
		want = "expected " + strings.Join(e.Expected, " or ")
	}
	return fmt.Sprintf("the host key of %s is not accepted: %s: it shows %s, %s; %s", e.Machine, e.Reason, e.Shown, want, e.Remedy)
}

// Is makes it an ErrUnreachable.
func (e *HostKeyError) Is(target error) bool { return target == ErrUnreachable }

// expected reads what the definition says about the machine's key.
func (l *link) expected() (*expected, error) {
	d := l.definition
	if d.KnownHosts != "" {
		return l.knownHosts()
	}
	keys, authorities, err := parseHostKey(d.HostKey)
	if err != nil {
		return nil, fmt.Errorf("host_key: %w", err)
	}
	return &expected{link: l, keys: keys, authorities: authorities}, nil
}

// parseHostKey reads lines of "ssh-ed25519 AAAA…", or with @cert-authority in front. Errors name the line.
func parseHostKey(text string) (keys, authorities []ssh.PublicKey, err error) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rest, authority := strings.CutPrefix(line, "@cert-authority")
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "@") {
			return nil, nil, fmt.Errorf("line %d has a mark that is not understood: only @cert-authority is; use known_hosts for @revoked", i+1)
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
		if err != nil || len(options) > 0 {
			return nil, nil, fmt.Errorf(`line %d is no public key: write "ssh-ed25519 AAAA…" as in /etc/ssh/ssh_host_ed25519_key.pub of the machine, without its name in front`, i+1)
		}
		if _, is := key.(*ssh.Certificate); is {
			return nil, nil, fmt.Errorf("line %d is a certificate: write @cert-authority and the key of the authority that signed it", i+1)
		}
		if authority {
			authorities = append(authorities, key)
		} else {
			keys = append(keys, key)
		}
	}
	if len(keys)+len(authorities) == 0 {
		return nil, nil, errors.New("it holds no key: write the machine's, such as the text of its /etc/ssh/ssh_host_ed25519_key.pub")
	}
	return keys, authorities, nil
}

// algorithms are those of the keys that are expected, and then all others, by which an error can tell the key that a machine has instead. The client's
// order decides, so that a machine with several keys shows the one that is known.
func (e *expected) algorithms() []string {
	supported := ssh.SupportedAlgorithms().HostKeys
	var first []string
	if len(e.authorities) > 0 {
		for _, algorithm := range supported {
			if strings.Contains(algorithm, "-cert-") {
				first = append(first, algorithm)
			}
		}
	}
	for _, key := range e.keys {
		switch t := key.Type(); t {
		case ssh.KeyAlgoRSA:
			first = append(first, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			first = append(first, t)
		}
	}
	var out []string
	for _, algorithm := range append(first, supported...) {
		if slices.Contains(supported, algorithm) && !slices.Contains(out, algorithm) {
			out = append(out, algorithm)
		}
	}
	return out
}

// verify tells whether key is that of the machine; nil: it is.
func (e *expected) verify(remote net.Addr, key ssh.PublicKey) *HostKeyError {
	certificate, certified := key.(*ssh.Certificate)
	if e.check != nil {
		err := e.check(remote, key)
		if err != nil && certified && !e.signed(certificate) {
			// As OpenSSH has it: a certificate of somebody else counts as the plain key in it.
			err = e.check(remote, certificate.Key)
		}
		if err == nil {
			return nil
		}
		return e.refuse(key, err)
	}
	if certified && e.signed(certificate) {
		checker := ssh.CertChecker{IsHostAuthority: func(authority ssh.PublicKey, _ string) bool { return contains(e.authorities, authority) }}
		if err := checker.CheckHostKey(e.link.address(), remote, key); err != nil {
			return e.refuse(key, err)
		}
		return nil
	}
	plain := key
	if certified {
		plain = certificate.Key
	}
	if contains(e.keys, plain) {
		return nil
	}
	return e.refuse(key, nil)
}

// signed tells whether an authority that is expected signed the certificate.
func (e *expected) signed(certificate *ssh.Certificate) bool {
	return contains(e.authorities, certificate.SignatureKey)
}

func contains(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) })
}

// described is a key as its type and its fingerprint.
func described(key ssh.PublicKey) string {
	if certificate, ok := key.(*ssh.Certificate); ok {
		return fmt.Sprintf("a certificate for %q of the authority %s for the key %s",
			certificate.ValidPrincipals, described(certificate.SignatureKey), described(certificate.Key))
	}
	return key.Type() + " " + fingerprint(key)
}
