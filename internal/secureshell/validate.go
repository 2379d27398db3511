package secureshell

import (
	"net"
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Validate lists what is wrong with s, whose defaults are filled in; paths are relative to it. It looks at no disk and asks nobody.
func Validate(s service.SSH) []service.Problem {
	return validate(s, 0)
}

func validate(s service.SSH, depth int) []service.Problem {
	var problems []service.Problem
	add := func(attribute, detail string) {
		problems = append(problems, service.Problem{Path: []string{attribute}, Detail: detail})
	}
	if problem := addressProblem(s.Address); problem != "" {
		add("address", problem)
	}
	if s.Port < 1 || s.Port > 65535 {
		add("port", "must be from 1 to 65535; sshd's is 22")
	}
	switch {
	case s.User == "":
		add("user", "must name the user to log in as")
	case strings.ContainsAny(s.User, "@ \t\r\n\x00"):
		add("user", "must be the name of a user alone, without @ and spaces")
	}
	switch {
	case s.PrivateKey == "" && !s.Agent:
		add("private_key", "must name the credential that holds the private key, unless agent is true")
	case s.PrivateKey != "" && s.Agent:
		add("agent", "must not be true beside private_key: log in by one of them")
	}
	if s.Passphrase != "" && s.PrivateKey == "" {
		add("passphrase", "is that of private_key, which is not set")
	}
	if s.Certificate != "" {
		if _, err := parseCertificate(s.Certificate); err != nil {
			add("certificate", strings.TrimPrefix(err.Error(), "certificate "))
		}
	}
	problems = append(problems, hostProblems(s)...)
	if s.ConnectTimeout < 0 {
		add("connect_timeout", "must not be negative")
	}
	if s.Bastion == nil {
		return problems
	}
	if depth == maxBastions {
		add("bastion", "is one too many: at most 4 bastions are followed")
		return problems
	}
	for _, p := range validate(*s.Bastion, depth+1) {
		problems = append(problems, service.Problem{Path: append([]string{"bastion"}, p.Path...), Detail: p.Detail})
	}
	return problems
}

// addressProblem says what is wrong with the address of a machine; empty: nothing.
func addressProblem(address string) string {
	switch {
	case address == "":
		return "must be the machine's name or IP address"
	case strings.ContainsAny(address, "@/ \t\r\n\x00"):
		return "must be a name or an IP address alone: the user goes into user, and there are no spaces"
	case net.ParseIP(address) != nil:
		return ""
	case strings.HasPrefix(address, "["):
		return "must be written without brackets; the port goes into port"
	case strings.Contains(address, ":") && !strings.Contains(address, "%"):
		return "must be without a port, which goes into port"
	}
	return ""
}

// hostProblems are those of who the machine must be.
func hostProblems(s service.SSH) []service.Problem {
	problem := func(attribute, detail string) []service.Problem {
		return []service.Problem{{Path: []string{attribute}, Detail: detail}}
	}
	switch {
	case s.HostKey == "" && s.KnownHosts == "":
		return problem("host_key", "must hold the machine's public host key, or known_hosts name a file that does: a machine that is not known is not logged in to")
	case s.HostKey != "" && s.KnownHosts != "":
		return problem("known_hosts", "must not be set beside host_key: say in one place who the machine is")
	case s.HostKey != "":
		if _, _, err := parseHostKey(s.HostKey); err != nil {
			return problem("host_key", err.Error())
		}
	case !filepath.IsAbs(s.KnownHosts):
		return problem("known_hosts", `must be an absolute path, such as pathexpand("~/.ssh/known_hosts")`)
	}
	return nil
}
