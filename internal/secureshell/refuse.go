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
		Remedy: "if the machine was set up anew, read its key at the machine itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and write that into " +
			place + "; if not, something else answers at this address: find out what before anything is sent there",
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
		refused.Remedy = "read its key at the machine itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), compare, and add it to the file as " +
			knownhosts.Normalize(e.link.address())
	case errors.As(why, &unknown) || why == nil:
	case certified && e.signed(certificate):
		refused.Reason = "its certificate is not valid (" + strings.TrimPrefix(why.Error(), "ssh: ") + ")"
		refused.Remedy = "have it signed anew, for the name that is written as address (ssh-keygen -s CA -I ID -h -n NAME KEY.pub)"
	default:
		refused.Reason = strings.TrimPrefix(why.Error(), "ssh: ")
	}
	return refused
}
