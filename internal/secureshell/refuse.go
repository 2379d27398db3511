package secureshell

import (
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// refuse is the error for key, which is not accepted for why; nil: it is another key.
func (e *expected) refuse(key ssh.PublicKey, why error) *HostKeyError {
	place := "host_key"
	if e.check != nil {
		place = "the file " + e.link.definition.KnownHosts
	}
	refused := &HostKeyError{
		Machine: e.link.String(),
		Shown:   described(key),
		Reason:  "it is another key",
		Remedy: "if the machine was set up anew, compare with its key at the machine itself (ssh-keygen -lf " + publicFile(key) +
			"), and write the text of that file into " + place + "; if not, something else answers at this address: find out what before anything is sent there",
	}
	for _, k := range e.keys {
		refused.Expected = append(refused.Expected, described(k))
	}
	for _, k := range e.authorities {
		refused.Expected = append(refused.Expected, "a certificate of the authority "+described(k))
	}
	var unknown *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	certificate, certified := key.(*ssh.Certificate)
	switch {
	case errors.As(why, &revoked):
		refused.Reason = "it is revoked by " + e.link.definition.KnownHosts
		refused.Remedy = "who has this key may be anybody: give the machine another one, and write that into " + place
	case errors.As(why, &unknown) && len(unknown.Want) == 0 && len(e.authorities) == 0:
		refused.Reason = "the machine is not in " + e.link.definition.KnownHosts
		refused.Remedy = "compare with its key at the machine itself (ssh-keygen -lf " + publicFile(key) + "), and add the text of that file behind " +
			knownhosts.Normalize(e.link.address()) + "; or write it as host_key"
	case errors.As(why, &unknown) || why == nil:
	case certified && e.signed(certificate):
		refused.Reason = "its certificate is not valid (" + strings.TrimPrefix(why.Error(), "ssh: ") + ")"
		refused.Remedy = "have it signed anew, for the name that is written as address (ssh-keygen -s CA -I ID -h -n NAME KEY.pub)"
	default:
		refused.Reason = strings.TrimPrefix(why.Error(), "ssh: ")
	}
	return refused
}

// publicFile is where sshd has a key of this kind, unless it was told otherwise.
func publicFile(key ssh.PublicKey) string {
	for _, kind := range []string{"rsa", "ecdsa"} {
		if strings.Contains(key.Type(), kind) {
			return "/etc/ssh/ssh_host_" + kind + "_key.pub"
		}
	}
	return "/etc/ssh/ssh_host_ed25519_key.pub"
}
