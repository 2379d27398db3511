package secureshell

import (
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const someKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func right() service.SSH {
	return service.SSH{Address: "10.0.0.5", Port: 22, User: "deploy", PrivateKey: "key", HostKey: someKey}
}

func TestDefinitionsThatAreRight(t *testing.T) {
	for name, change := range map[string]func(*service.SSH){
		"plain":         func(*service.SSH) {},
		"a name":        func(s *service.SSH) { s.Address = "web-1.example.com" },
		"IPv6":          func(s *service.SSH) { s.Address = "2001:db8::1" },
		"link-local":    func(s *service.SSH) { s.Address = "fe80::1%eth0" },
		"a passphrase":  func(s *service.SSH) { s.Passphrase = "phrase" },
		"an agent":      func(s *service.SSH) { s.PrivateKey, s.Agent = "", true },
		"known_hosts":   func(s *service.SSH) { s.HostKey, s.KnownHosts = "", "/home/me/.ssh/known_hosts" },
		"an authority":  func(s *service.SSH) { s.HostKey = "# ours\n@cert-authority " + someKey + " comment\n" + someKey },
		"four bastions": func(s *service.SSH) { *s = chain(4) },
	} {
		s := right()
		change(&s)
		if problems := Validate(s); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// chain is a machine behind so many bastions.
func chain(bastions int) service.SSH {
	s := right()
	for range bastions {
		behind := right()
		through := s
		behind.Bastion = &through
		s = behind
	}
	return s
}

func TestDefinitionsThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*service.SSH)
		want   string
	}{
		"no address":           {func(s *service.SSH) { s.Address = "" }, "address: must be the machine's name"},
		"a port in it":         {func(s *service.SSH) { s.Address = "10.0.0.5:22" }, "address: must be without a port"},
		"brackets":             {func(s *service.SSH) { s.Address = "[::1]" }, "address: must be written without brackets"},
		"a user in it":         {func(s *service.SSH) { s.Address = "root@web" }, "address: must be a name or an IP address alone"},
		"port 0":               {func(s *service.SSH) { s.Port = 0 }, "port: must be from 1"},
		"a large port":         {func(s *service.SSH) { s.Port = 65536 }, "port: must be from 1"},
		"no user":              {func(s *service.SSH) { s.User = "" }, "user: must name"},
		"an odd user":          {func(s *service.SSH) { s.User = "a b" }, "user: must be the name"},
		"nothing to log in by": {func(s *service.SSH) { s.PrivateKey = "" }, "private_key: must name the credential"},
		"both":                 {func(s *service.SSH) { s.Agent = true }, "agent: must not be true beside private_key"},
		"a passphrase alone":   {func(s *service.SSH) { s.PrivateKey, s.Agent, s.Passphrase = "", true, "p" }, "passphrase: is that of private_key"},
		"a plain certificate":  {func(s *service.SSH) { s.Certificate = someKey }, "certificate: is a plain public key"},
		"no host key":          {func(s *service.SSH) { s.HostKey = "" }, "host_key: must hold the machine's public host key"},
		"two of them":          {func(s *service.SSH) { s.KnownHosts = "/etc/ssh/ssh_known_hosts" }, "known_hosts: must not be set beside host_key"},
		"a relative path":      {func(s *service.SSH) { s.HostKey, s.KnownHosts = "", "~/.ssh/known_hosts" }, "known_hosts: must be an absolute path"},
		"a host in front":      {func(s *service.SSH) { s.HostKey = someKey + "\n10.0.0.5 " + someKey }, "host_key: line 2 is no public key"},
		"an odd mark":          {func(s *service.SSH) { s.HostKey = "@revoked " + someKey }, "host_key: line 1 has a mark"},
		"comments alone":       {func(s *service.SSH) { s.HostKey = "# none\n" }, "host_key: it holds no key"},
		"a negative time":      {func(s *service.SSH) { s.ConnectTimeout = -1 }, "connect_timeout: must not be negative"},
		"a bastion":            {func(s *service.SSH) { *s = chain(2); s.Bastion.Bastion.Port = 0 }, "bastion.bastion.port: must be from 1"},
		"five bastions":        {func(s *service.SSH) { *s = chain(5) }, "bastion.bastion.bastion.bastion.bastion: is one too many"},
	} {
		t.Run(name, func(t *testing.T) {
			s := right()
			c.change(&s)
			problems := Validate(s)
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), c.want) {
				t.Errorf("%v, want %s", problems, c.want)
			}
		})
	}
}

func TestProblemsAreAllNamed(t *testing.T) {
	var paths []string
	for _, p := range Validate(service.SSH{}) {
		paths = append(paths, strings.Join(p.Path, "."))
	}
	if want := []string{"address", "port", "user", "private_key", "host_key"}; !slices.Equal(paths, want) {
		t.Errorf("%v, want %v", paths, want)
	}
}

func FuzzHostKey(f *testing.F) {
	for _, text := range []string{someKey, "@cert-authority " + someKey, "# a\n\n" + someKey, "@revoked x", "a b c", "\"", "@cert-authority\t"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, authorities, err := parseHostKey(text)
		if (err == nil) != (len(keys)+len(authorities) > 0) {
			t.Errorf("%d keys, %d authorities, %v", len(keys), len(authorities), err)
		}
	})
}
